// When a kernel whose blocks run beside those of the kernel in front begins to bring its weights: only when that one has asked
// for its last, since memory would otherwise be idle between the two. Counters are hints: a wrong one costs time only.

struct Turn {
    u32 *own;             // counts blocks of this kernel that have asked for their last weights; null if it does not tell
    const u32 *front;     // that of the kernel in front, or null
    u32 *old;             // that of the one before, which nobody looks at any more; to be zero again
    int blocks;           // of the kernel in front
    int unused;

    // For one thread of a block, before the kernel in front has ended.
    __device__ __forceinline__ void await() const {
        if (front) {
            while (*(const volatile u32 *)front < (u32)blocks) {
            }
        }
    }

    // For one thread of every block.
    __device__ __forceinline__ void pass() const {
        if (own) {
            atomicAdd(own, 1);
        }
    }

    // For one thread of the kernel, when the one in front has ended.
    __device__ __forceinline__ void reset() const {
        if (old) {
            *old = 0;
        }
    }
};
