/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Arm Firmware Framework for A-profile (FF-A, DEN0077), versions 1.0 to 1.3:
 * ids, codes, bits and descriptors.
 *
 * Written by `cargo xtask header` from the tables of the Rust crate ffa-abi.
 * Change them, not this file.
 *
 * C99 and later, C++11 and later. It needs uint8_t to uint64_t and offsetof:
 * where there is no <stdint.h>, define FFA_ABI_TYPES as the header to include
 * instead, in Xen -DFFA_ABI_TYPES='<xen/types.h>'.
 *
 * A constant has its bits where the register or descriptor has them. A field
 * that holds a number has a mask, in place, and a shift:
 *
 *     (word & FFA_SENDER_MASK) >> FFA_SENDER_SHIFT
 */
#ifndef FFA_ABI_H
#define FFA_ABI_H

#ifdef FFA_ABI_TYPES
#include FFA_ABI_TYPES
#else
#include <stddef.h>
#include <stdint.h>
#endif

#ifndef FFA_ABI_PACKED
#define FFA_ABI_PACKED __attribute__((__packed__))
#endif

/* ==== Function ids: w0 ================================================== */
/* The comment says which versions have the id. */
#define FFA_ERROR                        0x84000060U  /* 1.0 */
#define FFA_ERROR_64                     0xc4000060U  /* 1.3 */
#define FFA_SUCCESS_32                   0x84000061U  /* 1.0 */
#define FFA_SUCCESS_64                   0xc4000061U  /* 1.0 */
#define FFA_INTERRUPT                    0x84000062U  /* 1.0 */
#define FFA_INTERRUPT_64                 0xc4000062U  /* 1.3 */
#define FFA_VERSION                      0x84000063U  /* 1.0 */
#define FFA_FEATURES                     0x84000064U  /* 1.0 */
#define FFA_RX_RELEASE                   0x84000065U  /* 1.0 */
#define FFA_RXTX_MAP_32                  0x84000066U  /* 1.0 */
#define FFA_RXTX_MAP_64                  0xc4000066U  /* 1.0 */
#define FFA_RXTX_UNMAP                   0x84000067U  /* 1.0 */
#define FFA_PARTITION_INFO_GET           0x84000068U  /* 1.0 */
#define FFA_ID_GET                       0x84000069U  /* 1.0 */
#define FFA_MSG_POLL                     0x8400006aU  /* 1.0 only */
#define FFA_MSG_WAIT                     0x8400006bU  /* 1.0 */
#define FFA_MSG_WAIT_64                  0xc400006bU  /* 1.3 */
#define FFA_YIELD                        0x8400006cU  /* 1.0 */
#define FFA_YIELD_64                     0xc400006cU  /* 1.3 */
#define FFA_RUN                          0x8400006dU  /* 1.0 */
#define FFA_RUN_64                       0xc400006dU  /* 1.3 */
#define FFA_MSG_SEND                     0x8400006eU  /* 1.0 only */
#define FFA_MSG_SEND_DIRECT_REQ_32       0x8400006fU  /* 1.0 */
#define FFA_MSG_SEND_DIRECT_REQ_64       0xc400006fU  /* 1.0 */
#define FFA_MSG_SEND_DIRECT_RESP_32      0x84000070U  /* 1.0 */
#define FFA_MSG_SEND_DIRECT_RESP_64      0xc4000070U  /* 1.0 */
#define FFA_MEM_DONATE_32                0x84000071U  /* 1.0 */
#define FFA_MEM_DONATE_64                0xc4000071U  /* 1.0 */
#define FFA_MEM_LEND_32                  0x84000072U  /* 1.0 */
#define FFA_MEM_LEND_64                  0xc4000072U  /* 1.0 */
#define FFA_MEM_SHARE_32                 0x84000073U  /* 1.0 */
#define FFA_MEM_SHARE_64                 0xc4000073U  /* 1.0 */
#define FFA_MEM_RETRIEVE_REQ_32          0x84000074U  /* 1.0 */
#define FFA_MEM_RETRIEVE_REQ_64          0xc4000074U  /* 1.0 */
#define FFA_MEM_RETRIEVE_RESP            0x84000075U  /* 1.0 */
#define FFA_MEM_RELINQUISH               0x84000076U  /* 1.0 */
#define FFA_MEM_RECLAIM                  0x84000077U  /* 1.0 */
#define FFA_MEM_OP_PAUSE                 0x84000078U  /* 1.0 */
#define FFA_MEM_OP_RESUME                0x84000079U  /* 1.0 */
#define FFA_MEM_FRAG_RX                  0x8400007aU  /* 1.0 */
#define FFA_MEM_FRAG_TX                  0x8400007bU  /* 1.0 */
#define FFA_NORMAL_WORLD_RESUME          0x8400007cU  /* 1.0 */
#define FFA_NORMAL_WORLD_RESUME_64       0xc400007cU  /* 1.3 */
#define FFA_NOTIFICATION_BITMAP_CREATE   0x8400007dU  /* 1.1 */
#define FFA_NOTIFICATION_BITMAP_DESTROY  0x8400007eU  /* 1.1 */
#define FFA_NOTIFICATION_BIND            0x8400007fU  /* 1.1 */
#define FFA_NOTIFICATION_UNBIND          0x84000080U  /* 1.1 */
#define FFA_NOTIFICATION_SET             0x84000081U  /* 1.1 */
#define FFA_NOTIFICATION_GET             0x84000082U  /* 1.1 */
#define FFA_NOTIFICATION_INFO_GET_32     0x84000083U  /* 1.1 */
#define FFA_NOTIFICATION_INFO_GET_64     0xc4000083U  /* 1.1 */
#define FFA_RX_ACQUIRE                   0x84000084U  /* 1.1 */
#define FFA_SPM_ID_GET                   0x84000085U  /* 1.1 */
#define FFA_MSG_SEND2                    0x84000086U  /* 1.1 */
#define FFA_SECONDARY_EP_REGISTER_32     0x84000087U  /* 1.1 */
#define FFA_SECONDARY_EP_REGISTER_64     0xc4000087U  /* 1.1 */
#define FFA_MEM_PERM_GET_32              0x84000088U  /* 1.1 */
#define FFA_MEM_PERM_GET_64              0xc4000088U  /* 1.1 */
#define FFA_MEM_PERM_SET_32              0x84000089U  /* 1.1 */
#define FFA_MEM_PERM_SET_64              0xc4000089U  /* 1.1 */
#define FFA_CONSOLE_LOG_32               0x8400008aU  /* 1.2 */
#define FFA_CONSOLE_LOG_64               0xc400008aU  /* 1.2 */
#define FFA_PARTITION_INFO_GET_REGS      0xc400008bU  /* 1.2 */
#define FFA_EL3_INTR_HANDLE              0x8400008cU  /* 1.2 */
#define FFA_MSG_SEND_DIRECT_REQ2         0xc400008dU  /* 1.2 */
#define FFA_MSG_SEND_DIRECT_RESP2        0xc400008eU  /* 1.2 */
#define FFA_NS_RES_INFO_GET              0xc400008fU  /* 1.3 */
#define FFA_ABORT_32                     0x84000090U  /* 1.3 */
#define FFA_ABORT_64                     0xc4000090U  /* 1.3 */
#define FFA_NOTIFICATION_BIND2           0xc4000094U  /* 1.3 */
#define FFA_NOTIFICATION_UNBIND2         0xc4000095U  /* 1.3 */
#define FFA_NOTIFICATION_SET2            0xc4000096U  /* 1.3 */
#define FFA_NOTIFICATION_GET2            0xc4000097U  /* 1.3 */

/* ==== What makes w0 an id of FF-A ======================================= */
/* Who is called is in the lower half of x0 alone: drop the upper half first. */
#define FFA_FUNCTION_FIXED_MASK    0xbfff0000U  /* these bits of w0 */
#define FFA_FUNCTION_FIXED_BITS    0x84000000U  /* hold this, */
#define FFA_FUNCTION_NUMBER_MASK   0x0000ffffU  /* and these */
#define FFA_FUNCTION_NUMBER_FIRST  0x00000060U  /* a number from here */
#define FFA_FUNCTION_NUMBER_LAST   0x000000efU  /* to here */
#define FFA_FUNCTION_SMC64         0x40000000U  /* set in 64-bit forms */

/* ==== Error codes: w2 of FFA_ERROR ====================================== */
#define FFA_RET_NOT_SUPPORTED       (-1)   /* The call is not implemented, or
                                            * not for this caller. */
#define FFA_RET_INVALID_PARAMETERS  (-2)   /* An argument is wrong. */
#define FFA_RET_NO_MEMORY           (-3)   /* Not enough memory, or not
                                            * enough room in a buffer. */
#define FFA_RET_BUSY                (-4)   /* A resource is in use now. */
#define FFA_RET_INTERRUPTED         (-5)   /* The call was interrupted. */
#define FFA_RET_DENIED              (-6)   /* The caller, or the callee's
                                            * state, does not permit the
                                            * call. */
#define FFA_RET_RETRY               (-7)   /* Call again. */
#define FFA_RET_ABORTED             (-8)   /* The callee aborted. */
#define FFA_RET_NO_DATA             (-9)   /* Nothing to return. */
#define FFA_RET_NOT_READY           (-10)  /* The callee is not ready (FF-A
                                            * 1.3). */

/* ==== FFA_VERSION ======================================================= */
/*
 * w1 of the call, w0 of the reply: a version, or FFA_RET_NOT_SUPPORTED in
 * all 64 bits.
 */
#define FFA_VERSION_1_0          0x00010000U
#define FFA_VERSION_1_1          0x00010001U
#define FFA_VERSION_1_2          0x00010002U
#define FFA_VERSION_1_3          0x00010003U
#define FFA_VERSION_MAJOR_MASK   0x7fff0000U
#define FFA_VERSION_MAJOR_SHIFT  16U
#define FFA_VERSION_MINOR_MASK   0x0000ffffU
#define FFA_VERSION_MINOR_SHIFT  0U

/* ==== Endpoint ids ====================================================== */
/* A target is in w1 of FFA_RUN, FFA_INTERRUPT and FFA_YIELD. */
#define FFA_ENDPOINT_HYPERVISOR    0x00000000U
#define FFA_ENDPOINT_SECURE        0x00008000U  /* in secure ids */
#define FFA_TARGET_ENDPOINT_MASK   0xffff0000U
#define FFA_TARGET_ENDPOINT_SHIFT  16U
#define FFA_TARGET_VCPU_MASK       0x0000ffffU
#define FFA_TARGET_VCPU_SHIFT      0U

/* ==== Sizes ============================================================= */
#define FFA_PAGE_SIZE                   4096U  /* bytes, whatever the granule */
#define FFA_RXTX_MAP_MAX_PAGES          63U    /* w3: pages of each buffer */
#define FFA_CONSOLE_LOG_MAX_CHARACTERS  128U

/* ==== FFA_FEATURES ====================================================== */
/*
 * w1 of the call. In the reply, w2 is the id of the interrupt, or says what
 * notifications can do (1.3).
 */
#define FFA_FEATURE_NOTIFICATION_PENDING_INTERRUPT  0x00000001U
#define FFA_FEATURE_SCHEDULE_RECEIVER_INTERRUPT     0x00000002U
#define FFA_FEATURE_MANAGED_EXIT_INTERRUPT          0x00000003U
#define FFA_FEATURE_NOTIFICATIONS                   0x00000004U

/* ==== FFA_FEATURES of calls ============================================= */
/*
 * w2 of the reply. FFA_RXTX_MAP: the least size and alignment, and from 1.2
 * on the most pages, 0 for no limit. FFA_MEM_DONATE, FFA_MEM_LEND and
 * FFA_MEM_SHARE, as MEM_SEND: dynamic buffers, before 1.2.
 * FFA_MEM_RETRIEVE_REQ: the NS bit is in w2 of the call, too; the count, n,
 * is in w3: a region may be retrieved 2^(n+1) - 1 times.
 */
#define FFA_FEATURE_RXTX_MAP_4K                   0x00000000U
#define FFA_FEATURE_RXTX_MAP_64K                  0x00000001U
#define FFA_FEATURE_RXTX_MAP_16K                  0x00000002U
#define FFA_FEATURE_RXTX_MAP_SIZE_MASK            0x00000003U
#define FFA_FEATURE_RXTX_MAP_MAX_PAGES_MASK       0xffff0000U  /* 1.2 */
#define FFA_FEATURE_RXTX_MAP_MAX_PAGES_SHIFT      16U
#define FFA_FEATURE_MEM_SEND_DYNAMIC_BUFFERS      0x00000001U  /* 1.0, 1.1 */
#define FFA_FEATURE_MEM_RETRIEVE_DYNAMIC_BUFFERS  0x00000001U
#define FFA_FEATURE_MEM_RETRIEVE_NS_BIT           0x00000002U
#define FFA_FEATURE_MEM_RETRIEVE_BY_HYPERVISOR    0x00000004U  /* 1.1 */
#define FFA_FEATURE_MEM_RETRIEVE_COUNT_MASK       0x000000ffU
#define FFA_FEATURE_MEM_RETRIEVE_COUNT_SHIFT      0U

/* ==== Partitions ======================================================== */
/*
 * Properties in a descriptor, with the version that brought them, and the
 * kind of what the id names; flags in w5 of FFA_PARTITION_INFO_GET.
 */
#define FFA_PARTITION_RECEIVES_DIRECT_REQUESTS   0x00000001U  /* 1.0 */
#define FFA_PARTITION_SENDS_DIRECT_REQUESTS      0x00000002U  /* 1.0 */
#define FFA_PARTITION_INDIRECT_MESSAGES          0x00000004U  /* 1.0 */
#define FFA_PARTITION_RECEIVES_NOTIFICATIONS     0x00000008U  /* 1.1 */
#define FFA_PARTITION_VM_CREATED                 0x00000040U  /* 1.1 */
#define FFA_PARTITION_VM_DESTROYED               0x00000080U  /* 1.1 */
#define FFA_PARTITION_AARCH64                    0x00000100U  /* 1.1 */
#define FFA_PARTITION_RECEIVES_DIRECT_REQUESTS2  0x00000200U  /* 1.2 */
#define FFA_PARTITION_SENDS_DIRECT_REQUESTS2     0x00000400U  /* 1.2 */
#define FFA_PARTITION_LIVE_ACTIVATION            0x00000800U  /* 1.3 */
#define FFA_PARTITION_CPU_RENDEZVOUS             0x00001000U  /* 1.3 */
#define FFA_PARTITION_KIND_MASK                  0x00000030U
#define FFA_PARTITION_KIND_PE_ENDPOINT           0x00000000U
#define FFA_PARTITION_KIND_INDEPENDENT_SEPID     0x00000010U
#define FFA_PARTITION_KIND_DEPENDENT_SEPID       0x00000020U
#define FFA_PARTITION_KIND_AUXILIARY             0x00000030U
#define FFA_PARTITION_INFO_GET_COUNT_ONLY        0x00000001U  /* 1.1 */

/* ==== FFA_PARTITION_INFO_GET_REGS ======================================= */
/*
 * x3 of the call: the index of the first descriptor wanted, and the tag of
 * the reply before. x2 of the reply: the index of the last one of all, that
 * of the last one here, the tag, the bytes of each. From x3 on the
 * descriptors, three registers each.
 */
#define FFA_PARTITION_REGS_START_MASK           0x0000ffffU
#define FFA_PARTITION_REGS_START_SHIFT          0U
#define FFA_PARTITION_REGS_TAG_MASK             0xffff0000U
#define FFA_PARTITION_REGS_TAG_SHIFT            16U
#define FFA_PARTITION_REGS_REPLY_LAST_MASK      0x0000ffffU
#define FFA_PARTITION_REGS_REPLY_LAST_SHIFT     0U
#define FFA_PARTITION_REGS_REPLY_CURRENT_MASK   0xffff0000U
#define FFA_PARTITION_REGS_REPLY_CURRENT_SHIFT  16U
#define FFA_PARTITION_REGS_REPLY_TAG_MASK       0x0000ffff00000000ULL
#define FFA_PARTITION_REGS_REPLY_TAG_SHIFT      32U
#define FFA_PARTITION_REGS_REPLY_SIZE_MASK      0xffff000000000000ULL
#define FFA_PARTITION_REGS_REPLY_SIZE_SHIFT     48U
#define FFA_PARTITION_REGS_PER_REPLY            5U

/* ==== Messages ========================================================== */
/*
 * w1 of messages and of notifications that are bound and set; w2 of the
 * calls.
 */
#define FFA_SENDER_MASK                                  0xffff0000U
#define FFA_SENDER_SHIFT                                 16U
#define FFA_RECEIVER_MASK                                0x0000ffffU
#define FFA_RECEIVER_SHIFT                               0U
#define FFA_MSG_SEND2_DELAY_SCHEDULE_RECEIVER_INTERRUPT  0x00000002U
#define FFA_MSG_WAIT_KEEP_RX                             0x00000001U  /* 1.2 */

/* ==== Framework messages ================================================ */
/* w2 of direct requests and responses: the flag, and one of the types. */
#define FFA_FRAMEWORK_MESSAGE                          0x80000000U
#define FFA_FRAMEWORK_TYPE_MASK                        0x000000ffU
#define FFA_FRAMEWORK_PSCI_REQUEST                     0x00000000U
#define FFA_FRAMEWORK_WARM_BOOT                        0x00000001U
#define FFA_FRAMEWORK_PSCI_RESPONSE                    0x00000002U
#define FFA_FRAMEWORK_VM_CREATED                       0x00000004U
#define FFA_FRAMEWORK_VM_CREATED_RESPONSE              0x00000005U
#define FFA_FRAMEWORK_VM_DESTROYED                     0x00000006U
#define FFA_FRAMEWORK_VM_DESTROYED_RESPONSE            0x00000007U
#define FFA_FRAMEWORK_VERSION_REQUEST                  0x00000008U
#define FFA_FRAMEWORK_VERSION_RESPONSE                 0x00000009U
#define FFA_FRAMEWORK_PARTITION_STOP_REQUEST           0x0000000aU
#define FFA_FRAMEWORK_PARTITION_STOP_RESPONSE          0x0000000bU
#define FFA_FRAMEWORK_LIVE_ACTIVATION_START_REQUEST    0x0000000cU
#define FFA_FRAMEWORK_LIVE_ACTIVATION_START_RESPONSE   0x0000000dU
#define FFA_FRAMEWORK_LIVE_ACTIVATION_FINISH_REQUEST   0x0000000eU
#define FFA_FRAMEWORK_LIVE_ACTIVATION_FINISH_RESPONSE  0x0000000fU

/* ==== Notifications ===================================================== */
/* w2 of BIND; w1 and w2 of GET; w2 of SET; w6 and w7 of the reply of GET. */
#define FFA_NOTIFICATION_BIND_PER_VCPU                          0x00000001U
#define FFA_NOTIFICATION_GET_RECEIVER_MASK                      0x0000ffffU
#define FFA_NOTIFICATION_GET_RECEIVER_SHIFT                     0U
#define FFA_NOTIFICATION_GET_VCPU_MASK                          0xffff0000U
#define FFA_NOTIFICATION_GET_VCPU_SHIFT                         16U
#define FFA_NOTIFICATION_GET_SECURE_PARTITIONS                  0x00000001U
#define FFA_NOTIFICATION_GET_VMS                                0x00000002U
#define FFA_NOTIFICATION_GET_SPM_FRAMEWORK                      0x00000004U
#define FFA_NOTIFICATION_GET_HYPERVISOR_FRAMEWORK               0x00000008U
#define FFA_NOTIFICATION_SET_PER_VCPU                           0x00000001U
#define FFA_NOTIFICATION_SET_DELAY_SCHEDULE_RECEIVER_INTERRUPT  0x00000002U
#define FFA_NOTIFICATION_SET_VCPU_MASK                          0xffff0000U
#define FFA_NOTIFICATION_SET_VCPU_SHIFT                         16U
#define FFA_NOTIFICATION_FRAMEWORK_RX_BUFFER_FULL               0x00000001U

/* ==== FFA_NOTIFICATION_INFO_GET ========================================= */
/*
 * x2 of the reply: whether there are more, how many lists it has, and how
 * many vCPUs the first one has; two bits a list from there on.
 */
#define FFA_NOTIFICATION_INFO_MORE_PENDING  0x00000001U
#define FFA_NOTIFICATION_INFO_LISTS_MASK    0x00000f80U
#define FFA_NOTIFICATION_INFO_LISTS_SHIFT   7U
#define FFA_NOTIFICATION_INFO_VCPUS_MASK    0x00003000U
#define FFA_NOTIFICATION_INFO_VCPUS_SHIFT   12U

/* ==== Memory transactions =============================================== */
/*
 * Flags of transactions, of relinquish descriptors, and in w3 of
 * FFA_MEM_RECLAIM. The type is what the region was sent by.
 */
#define FFA_TRANSACTION_ZERO                   0x00000001U
#define FFA_TRANSACTION_TIME_SLICE             0x00000002U
#define FFA_TRANSACTION_ZERO_AFTER_RELINQUISH  0x00000004U
#define FFA_TRANSACTION_HINT_VALID             0x00000200U
#define FFA_TRANSACTION_BYPASS_BORROWER_CHECK  0x00000400U
#define FFA_TRANSACTION_TYPE_MASK              0x00000018U
#define FFA_TRANSACTION_SHARE                  0x00000008U
#define FFA_TRANSACTION_LEND                   0x00000010U
#define FFA_TRANSACTION_DONATE                 0x00000018U
#define FFA_TRANSACTION_HINT_MASK              0x000001e0U  /* if HINT_VALID */
#define FFA_TRANSACTION_HINT_SHIFT             5U
#define FFA_RELINQUISH_ZERO                    0x00000001U
#define FFA_RELINQUISH_TIME_SLICE              0x00000002U
#define FFA_MEM_RECLAIM_ZERO_MEMORY            0x00000001U
#define FFA_MEM_RECLAIM_TIME_SLICE             0x00000002U

/* ==== Memory handles ==================================================== */
/* In registers two words, the lower half first. */
#define FFA_HANDLE_HYPERVISOR  0x8000000000000000ULL  /* its, not the SPMC's */
#define FFA_HANDLE_INVALID     0xffffffffffffffffULL

/* ==== Memory region attributes ========================================== */
/* One kind of memory, and with normal memory one shareability, or none. */
#define FFA_MEMORY_DEVICE_NGNRNE         0x00000010U
#define FFA_MEMORY_DEVICE_NGNRE          0x00000014U
#define FFA_MEMORY_DEVICE_NGRE           0x00000018U
#define FFA_MEMORY_DEVICE_GRE            0x0000001cU
#define FFA_MEMORY_NORMAL_NON_CACHEABLE  0x00000024U
#define FFA_MEMORY_NORMAL_WRITE_BACK     0x0000002cU
#define FFA_MEMORY_OUTER_SHAREABLE       0x00000002U
#define FFA_MEMORY_INNER_SHAREABLE       0x00000003U
#define FFA_MEMORY_NON_SECURE            0x00000040U  /* 1.1, when retrieved */
#define FFA_MEMORY_NORMAL                0x0000002fU  /* write-back, inner */
#define FFA_MEMORY_TYPE_MASK             0x00000030U
#define FFA_MEMORY_CACHEABILITY_MASK     0x0000000cU  /* or kind of device */
#define FFA_MEMORY_SHAREABILITY_MASK     0x00000003U

/* ==== Access to a memory region ========================================= */
/* Permissions of a receiver, and the flags beside them. */
#define FFA_ACCESS_READ_ONLY                 0x00000001U
#define FFA_ACCESS_READ_WRITE                0x00000002U
#define FFA_ACCESS_DATA_MASK                 0x00000003U
#define FFA_ACCESS_NOT_EXECUTABLE            0x00000004U
#define FFA_ACCESS_EXECUTABLE                0x00000008U
#define FFA_ACCESS_INSTRUCTION_MASK          0x0000000cU
#define FFA_RECEIVER_NON_RETRIEVAL_BORROWER  0x00000001U

/* ==== Access of a secure partition to its own pages ===================== */
/*
 * Not as in descriptors: w3 of FFA_MEM_PERM_SET, w2 of the reply of
 * FFA_MEM_PERM_GET.
 */
#define FFA_MEM_PERM_NONE            0x00000000U
#define FFA_MEM_PERM_READ_WRITE      0x00000001U
#define FFA_MEM_PERM_READ_ONLY       0x00000003U
#define FFA_MEM_PERM_NOT_EXECUTABLE  0x00000004U

/* ==== Boot information ================================================== */
/*
 * The signature in the header; in a descriptor the type, and flags that say
 * what name and contents are.
 */
#define FFA_BOOT_SIGNATURE                    0x00000ffaU
#define FFA_BOOT_TYPE_FLATTENED_DEVICE_TREE   0x00000000U
#define FFA_BOOT_TYPE_HAND_OFF_BLOCKS         0x00000001U
#define FFA_BOOT_TYPE_IMPLEMENTATION_DEFINED  0x00000080U
#define FFA_BOOT_NAME_TEXT                    0x00000000U
#define FFA_BOOT_NAME_UUID                    0x00000001U
#define FFA_BOOT_NAME_MASK                    0x00000003U
#define FFA_BOOT_CONTENTS_ADDRESS             0x00000000U
#define FFA_BOOT_CONTENTS_VALUE               0x00000004U
#define FFA_BOOT_CONTENTS_OFFSET              0x00000008U  /* 1.3 */
#define FFA_BOOT_CONTENTS_MASK                0x0000000cU

/* ==== Descriptors, as they lie in buffers ================================= */
/*
 * Without a suffix, a structure is what FF-A 1.1 has; _1_0 or _1_2 is what this
 * version has instead. The number before each comment is the field's offset.
 *
 * Every integer is little-endian: a big-endian CPU has to swap its bytes.
 * Nothing need be aligned, hence packed. Whoever wrote the buffer may write it
 * again while it is read: check and use a copy.
 */

/* The partition information descriptor of FF-A 1.0: 8 bytes. */
struct ffa_partition_info_1_0 {
    uint16_t id;                        /*  0  The partition. */
    uint16_t execution_contexts;        /*  2  Execution contexts (vCPUs) of
                                         * a PE endpoint. */
    uint32_t properties;                /*  4  See FFA_PARTITION_*. */
} FFA_ABI_PACKED;

/* The partition information descriptor from FF-A 1.1 on: 24 bytes. */
struct ffa_partition_info {
    uint16_t id;                        /*  0  The partition. */
    uint16_t execution_contexts;        /*  2  Execution contexts (vCPUs) of
                                         * a PE endpoint. */
    uint32_t properties;                /*  4  See FFA_PARTITION_*. */
    uint8_t uuid[16];                   /*  8  The protocol, in the order of
                                         * its text; zero in the answer to a
                                         * query by UUID. */
} FFA_ABI_PACKED;

/* The header of an indirect message in FF-A 1.1, 20 bytes. */
struct ffa_message_header {
    uint32_t flags;                     /*  0  Ignored, and written as zero. */
    uint32_t reserved;                  /*  4  Ignored, and written as zero. */
    uint32_t offset;                    /*  8  Bytes from the start of the
                                         * buffer to the payload. */
    uint16_t receiver;                  /* 12  The receiver: bits 15:0 of a
                                         * word of 32 bits. */
    uint16_t sender;                    /* 14  The sender: bits 31:16 of that
                                         * word. */
    uint32_t size;                      /* 16  Bytes of the payload. */
} FFA_ABI_PACKED;

/* The header of an indirect message from FF-A 1.2 on, 40 bytes. */
struct ffa_message_header_1_2 {
    uint32_t flags;                     /*  0  Ignored, and written as zero. */
    uint32_t reserved_4;                /*  4  Ignored, and written as zero. */
    uint32_t offset;                    /*  8  Bytes from the start of the
                                         * buffer to the payload. */
    uint16_t receiver;                  /* 12  The receiver: bits 15:0 of a
                                         * word of 32 bits. */
    uint16_t sender;                    /* 14  The sender: bits 31:16 of that
                                         * word. */
    uint32_t size;                      /* 16  Bytes of the payload. */
    uint32_t reserved_20;               /* 20  Ignored, and written as zero. */
    uint8_t uuid[16];                   /* 24  The protocol, in the order of
                                         * its text. */
} FFA_ABI_PACKED;

/* The header of a transaction in FF-A 1.0, 32 bytes. */
struct ffa_transaction_1_0 {
    uint16_t sender;                    /*  0  The owner of the region. */
    uint8_t attributes;                 /*  2  See FFA_MEMORY_*. */
    uint8_t reserved_3;                 /*  3  Must be zero. */
    uint32_t flags;                     /*  4  See FFA_TRANSACTION_*. */
    uint64_t handle;                    /*  8  See FFA_HANDLE_*. */
    uint64_t tag;                       /* 16  For the endpoints to agree on. */
    uint32_t reserved_24;               /* 24  Must be zero. */
    uint32_t access_count;              /* 28  How many access descriptors
                                         * follow. */
} FFA_ABI_PACKED;

/* The header of a transaction from FF-A 1.1 on, 48 bytes. */
struct ffa_transaction {
    uint16_t sender;                    /*  0  The owner of the region. */
    uint16_t attributes;                /*  2  See FFA_MEMORY_*. */
    uint32_t flags;                     /*  4  See FFA_TRANSACTION_*. */
    uint64_t handle;                    /*  8  See FFA_HANDLE_*. */
    uint64_t tag;                       /* 16  For the endpoints to agree on. */
    uint32_t access_size;               /* 24  Bytes of one access
                                         * descriptor: 16, or from FF-A 1.2
                                         * on 32. */
    uint32_t access_count;              /* 28  How many access descriptors
                                         * there are. */
    uint32_t access_offset;             /* 32  Bytes from the start of the
                                         * header to the first access
                                         * descriptor, a multiple of 16. */
    uint8_t reserved[12];               /* 36  Must be zero. */
} FFA_ABI_PACKED;

/* The endpoint memory access descriptor of FF-A 1.0 and 1.1, 16 bytes. */
struct ffa_access {
    uint16_t receiver;                  /*  0  The endpoint. */
    uint8_t permissions;                /*  2  See FFA_ACCESS_*. */
    uint8_t flags;                      /*  3  See FFA_RECEIVER_*. */
    uint32_t composite_offset;          /*  4  Bytes from the start of the
                                         * transaction to the composite
                                         * memory region, or 0. */
    uint64_t reserved;                  /*  8  Must be zero. */
} FFA_ABI_PACKED;

/* The endpoint memory access descriptor of FF-A 1.2, 32 bytes. */
struct ffa_access_1_2 {
    uint16_t receiver;                  /*  0  The endpoint. */
    uint8_t permissions;                /*  2  See FFA_ACCESS_*. */
    uint8_t flags;                      /*  3  See FFA_RECEIVER_*. */
    uint32_t composite_offset;          /*  4  Bytes from the start of the
                                         * transaction to the composite
                                         * memory region, or 0. */
    uint8_t implementation_defined[16]; /*  8  For the endpoints to agree on. */
    uint64_t reserved;                  /* 24  Must be zero. */
} FFA_ABI_PACKED;

/* The header of a composite memory region, 16 bytes. */
struct ffa_composite {
    uint32_t pages;                     /*  0  The pages of all ranges. */
    uint32_t ranges;                    /*  4  How many ranges follow. */
    uint64_t reserved;                  /*  8  Ignored, and written as zero. */
} FFA_ABI_PACKED;

/* An address range, 16 bytes. */
struct ffa_range {
    uint64_t address;                   /*  0  The first byte. */
    uint32_t pages;                     /*  8  Pages of 4 KiB. */
    uint32_t reserved;                  /* 12  Ignored, and written as zero. */
} FFA_ABI_PACKED;

/* The fixed part of a relinquish descriptor, 16 bytes. */
struct ffa_relinquish {
    uint64_t handle;                    /*  0  See FFA_HANDLE_*. */
    uint32_t flags;                     /*  8  See FFA_RELINQUISH_*. */
    uint32_t endpoint_count;            /* 12  How many endpoint ids follow. */
} FFA_ABI_PACKED;

/* The fixed part of an endpoint RX/TX descriptor in FF-A 1.0, 16 bytes. */
struct ffa_endpoint_rx_tx_1_0 {
    uint16_t endpoint;                  /*  0  The VM. */
    uint16_t reserved_2;                /*  2  Must be zero. */
    uint32_t rx_ranges;                 /*  4  How many ranges the RX buffer
                                         * has. */
    uint32_t tx_ranges;                 /*  8  How many ranges the TX buffer
                                         * has. */
    uint32_t reserved_12;               /* 12  Must be zero. */
} FFA_ABI_PACKED;

/* The fixed part of an endpoint RX/TX descriptor from FF-A 1.1 on, 12 bytes. */
struct ffa_endpoint_rx_tx {
    uint16_t endpoint;                  /*  0  The VM. */
    uint16_t reserved;                  /*  2  Must be zero. */
    uint32_t rx_offset;                 /*  4  Bytes from the start of the
                                         * descriptor to the composite memory
                                         * region of the RX buffer. */
    uint32_t tx_offset;                 /*  8  Bytes from the start of the
                                         * descriptor to the composite memory
                                         * region of the TX buffer. */
} FFA_ABI_PACKED;

/* The header of boot information, 32 bytes. */
struct ffa_boot_header {
    uint32_t signature;                 /*  0  FFA_BOOT_SIGNATURE. */
    uint32_t version;                   /*  4  See FFA_VERSION_*. */
    uint32_t blob_size;                 /*  8  Bytes of all: header, array,
                                         * what the descriptors point to. */
    uint32_t descriptor_size;           /* 12  Bytes of a descriptor. */
    uint32_t descriptor_count;          /* 16  How many descriptors there
                                         * are. */
    uint32_t array_offset;              /* 20  Bytes from the start of the
                                         * header to the array of
                                         * descriptors, a multiple of 8. */
    uint64_t reserved;                  /* 24  Must be zero. */
} FFA_ABI_PACKED;

/* A descriptor of boot information, 32 bytes. */
struct ffa_boot_descriptor {
    uint8_t name[16];                   /*  0  Text that ends with a zero
                                         * byte, or a UUID. */
    uint8_t item_type;                  /* 16  See FFA_BOOT_TYPE_*. */
    uint8_t reserved;                   /* 17  Must be zero. */
    uint16_t flags;                     /* 18  Formats of name and contents. */
    uint32_t size;                      /* 20  Bytes of the contents. */
    uint64_t contents;                  /* 24  An address, a value or an
                                         * offset. */
} FFA_ABI_PACKED;

#if defined(__cplusplus)
#define FFA_ABI_ASSERT static_assert
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define FFA_ABI_ASSERT _Static_assert
#elif defined(__GNUC__) && !defined(__STRICT_ANSI__)
#define FFA_ABI_ASSERT __extension__ _Static_assert
#endif

#ifdef FFA_ABI_ASSERT
#define FFA_ABI_SIZE(tag, bytes) \
    FFA_ABI_ASSERT(sizeof(struct tag) == (bytes), "size")
#define FFA_ABI_OFFSET(tag, field, bytes) \
    FFA_ABI_ASSERT(offsetof(struct tag, field) == (bytes), "offset")

FFA_ABI_SIZE(ffa_partition_info_1_0, 8U);
FFA_ABI_OFFSET(ffa_partition_info_1_0, id, 0U);
FFA_ABI_OFFSET(ffa_partition_info_1_0, execution_contexts, 2U);
FFA_ABI_OFFSET(ffa_partition_info_1_0, properties, 4U);

FFA_ABI_SIZE(ffa_partition_info, 24U);
FFA_ABI_OFFSET(ffa_partition_info, id, 0U);
FFA_ABI_OFFSET(ffa_partition_info, execution_contexts, 2U);
FFA_ABI_OFFSET(ffa_partition_info, properties, 4U);
FFA_ABI_OFFSET(ffa_partition_info, uuid, 8U);

FFA_ABI_SIZE(ffa_message_header, 20U);
FFA_ABI_OFFSET(ffa_message_header, flags, 0U);
FFA_ABI_OFFSET(ffa_message_header, reserved, 4U);
FFA_ABI_OFFSET(ffa_message_header, offset, 8U);
FFA_ABI_OFFSET(ffa_message_header, receiver, 12U);
FFA_ABI_OFFSET(ffa_message_header, sender, 14U);
FFA_ABI_OFFSET(ffa_message_header, size, 16U);

FFA_ABI_SIZE(ffa_message_header_1_2, 40U);
FFA_ABI_OFFSET(ffa_message_header_1_2, flags, 0U);
FFA_ABI_OFFSET(ffa_message_header_1_2, reserved_4, 4U);
FFA_ABI_OFFSET(ffa_message_header_1_2, offset, 8U);
FFA_ABI_OFFSET(ffa_message_header_1_2, receiver, 12U);
FFA_ABI_OFFSET(ffa_message_header_1_2, sender, 14U);
FFA_ABI_OFFSET(ffa_message_header_1_2, size, 16U);
FFA_ABI_OFFSET(ffa_message_header_1_2, reserved_20, 20U);
FFA_ABI_OFFSET(ffa_message_header_1_2, uuid, 24U);

FFA_ABI_SIZE(ffa_transaction_1_0, 32U);
FFA_ABI_OFFSET(ffa_transaction_1_0, sender, 0U);
FFA_ABI_OFFSET(ffa_transaction_1_0, attributes, 2U);
FFA_ABI_OFFSET(ffa_transaction_1_0, reserved_3, 3U);
FFA_ABI_OFFSET(ffa_transaction_1_0, flags, 4U);
FFA_ABI_OFFSET(ffa_transaction_1_0, handle, 8U);
FFA_ABI_OFFSET(ffa_transaction_1_0, tag, 16U);
FFA_ABI_OFFSET(ffa_transaction_1_0, reserved_24, 24U);
FFA_ABI_OFFSET(ffa_transaction_1_0, access_count, 28U);

FFA_ABI_SIZE(ffa_transaction, 48U);
FFA_ABI_OFFSET(ffa_transaction, sender, 0U);
FFA_ABI_OFFSET(ffa_transaction, attributes, 2U);
FFA_ABI_OFFSET(ffa_transaction, flags, 4U);
FFA_ABI_OFFSET(ffa_transaction, handle, 8U);
FFA_ABI_OFFSET(ffa_transaction, tag, 16U);
FFA_ABI_OFFSET(ffa_transaction, access_size, 24U);
FFA_ABI_OFFSET(ffa_transaction, access_count, 28U);
FFA_ABI_OFFSET(ffa_transaction, access_offset, 32U);
FFA_ABI_OFFSET(ffa_transaction, reserved, 36U);

FFA_ABI_SIZE(ffa_access, 16U);
FFA_ABI_OFFSET(ffa_access, receiver, 0U);
FFA_ABI_OFFSET(ffa_access, permissions, 2U);
FFA_ABI_OFFSET(ffa_access, flags, 3U);
FFA_ABI_OFFSET(ffa_access, composite_offset, 4U);
FFA_ABI_OFFSET(ffa_access, reserved, 8U);

FFA_ABI_SIZE(ffa_access_1_2, 32U);
FFA_ABI_OFFSET(ffa_access_1_2, receiver, 0U);
FFA_ABI_OFFSET(ffa_access_1_2, permissions, 2U);
FFA_ABI_OFFSET(ffa_access_1_2, flags, 3U);
FFA_ABI_OFFSET(ffa_access_1_2, composite_offset, 4U);
FFA_ABI_OFFSET(ffa_access_1_2, implementation_defined, 8U);
FFA_ABI_OFFSET(ffa_access_1_2, reserved, 24U);

FFA_ABI_SIZE(ffa_composite, 16U);
FFA_ABI_OFFSET(ffa_composite, pages, 0U);
FFA_ABI_OFFSET(ffa_composite, ranges, 4U);
FFA_ABI_OFFSET(ffa_composite, reserved, 8U);

FFA_ABI_SIZE(ffa_range, 16U);
FFA_ABI_OFFSET(ffa_range, address, 0U);
FFA_ABI_OFFSET(ffa_range, pages, 8U);
FFA_ABI_OFFSET(ffa_range, reserved, 12U);

FFA_ABI_SIZE(ffa_relinquish, 16U);
FFA_ABI_OFFSET(ffa_relinquish, handle, 0U);
FFA_ABI_OFFSET(ffa_relinquish, flags, 8U);
FFA_ABI_OFFSET(ffa_relinquish, endpoint_count, 12U);

FFA_ABI_SIZE(ffa_endpoint_rx_tx_1_0, 16U);
FFA_ABI_OFFSET(ffa_endpoint_rx_tx_1_0, endpoint, 0U);
FFA_ABI_OFFSET(ffa_endpoint_rx_tx_1_0, reserved_2, 2U);
FFA_ABI_OFFSET(ffa_endpoint_rx_tx_1_0, rx_ranges, 4U);
FFA_ABI_OFFSET(ffa_endpoint_rx_tx_1_0, tx_ranges, 8U);
FFA_ABI_OFFSET(ffa_endpoint_rx_tx_1_0, reserved_12, 12U);

FFA_ABI_SIZE(ffa_endpoint_rx_tx, 12U);
FFA_ABI_OFFSET(ffa_endpoint_rx_tx, endpoint, 0U);
FFA_ABI_OFFSET(ffa_endpoint_rx_tx, reserved, 2U);
FFA_ABI_OFFSET(ffa_endpoint_rx_tx, rx_offset, 4U);
FFA_ABI_OFFSET(ffa_endpoint_rx_tx, tx_offset, 8U);

FFA_ABI_SIZE(ffa_boot_header, 32U);
FFA_ABI_OFFSET(ffa_boot_header, signature, 0U);
FFA_ABI_OFFSET(ffa_boot_header, version, 4U);
FFA_ABI_OFFSET(ffa_boot_header, blob_size, 8U);
FFA_ABI_OFFSET(ffa_boot_header, descriptor_size, 12U);
FFA_ABI_OFFSET(ffa_boot_header, descriptor_count, 16U);
FFA_ABI_OFFSET(ffa_boot_header, array_offset, 20U);
FFA_ABI_OFFSET(ffa_boot_header, reserved, 24U);

FFA_ABI_SIZE(ffa_boot_descriptor, 32U);
FFA_ABI_OFFSET(ffa_boot_descriptor, name, 0U);
FFA_ABI_OFFSET(ffa_boot_descriptor, item_type, 16U);
FFA_ABI_OFFSET(ffa_boot_descriptor, reserved, 17U);
FFA_ABI_OFFSET(ffa_boot_descriptor, flags, 18U);
FFA_ABI_OFFSET(ffa_boot_descriptor, size, 20U);
FFA_ABI_OFFSET(ffa_boot_descriptor, contents, 24U);

#undef FFA_ABI_OFFSET
#undef FFA_ABI_SIZE
#undef FFA_ABI_ASSERT
#endif

#endif /* FFA_ABI_H */
