/* What a hypervisor has instead of <stdint.h> and <stddef.h>. */
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
#define offsetof(type, field) __builtin_offsetof(type, field)
