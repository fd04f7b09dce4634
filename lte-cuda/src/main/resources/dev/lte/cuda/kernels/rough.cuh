// Activations of neurons that are rounded to BF16.

// x / (1 + e^-z).
__device__ __forceinline__ float timesSigmoid(float x, float z) {
    float power, inverse;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(-1.4426950408889634f * z));
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(inverse) : "f"(1.0f + power));
    return x * inverse;
}

// To 2^-20 of its size, which is far less than BF16 keeps.
__device__ __forceinline__ float roughActivation(int kind, float x) {
    switch (kind) {
        case SILU: return timesSigmoid(x, x);
        case GELU_TANH: return timesSigmoid(x, 1.5957691216057307f * (x + 0.044715f * x * x * x));
        default: return activation(kind, x);
    }
}
