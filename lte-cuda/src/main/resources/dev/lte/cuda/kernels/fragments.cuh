// Matrix instructions of one warp, and copies into shared memory; needs sm_80. Lane 4g + t holds rows g and g + 8 of a 16-row
// factor and column g of an 8-column one.

__device__ __forceinline__ u32 sharedAddress(const void *p) { return (u32)__cvta_generic_to_shared(p); }

// 16 bytes past the first-level cache, or zeros.
__device__ __forceinline__ void copy16(u32 to, const void *from, bool there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(there ? 16 : 0));
}

__device__ __forceinline__ void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most N groups of this thread's copies are under way.
template <int N> __device__ __forceinline__ void waitCopies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

__device__ __forceinline__ void loadMatrices(u32 (&r)[4], u32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
}

__device__ __forceinline__ void loadMatricesTransposed(u32 (&r)[4], u32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
}

// c += a b: a 16 x 16 and b 16 x 8 of TYPE, F16 or BF16, c 16 x 8 of F32.
template <int TYPE> __device__ __forceinline__ void multiplyAdd(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    if (TYPE == F16) {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    } else {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }
}

// Two elements of TYPE, `low` in the lower half.
template <int TYPE> __device__ __forceinline__ u32 packPair(float low, float high) {
    u32 r;
    if (TYPE == F16) {
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    } else {
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    }
    return r;
}

// A pair as the sum of two pairs, which keeps 22 bits of F16 and 16 of BF16.
template <int TYPE> __device__ __forceinline__ void splitPair(float x0, float x1, u32 &high, u32 &low) {
    high = packPair<TYPE>(x0, x1);
    float h0 = TYPE == F16 ? halfToFloat((u16)high) : __uint_as_float(high << 16);
    float h1 = TYPE == F16 ? halfToFloat((u16)(high >> 16)) : __uint_as_float(high & 0xffff0000u);
    low = packPair<TYPE>(x0 - h0, x1 - h1);
}
