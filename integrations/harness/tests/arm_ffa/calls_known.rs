//! Where the two disagree about calls, and why.

use arm_ffa::Error;
use arm_ffa::memory_management::Error as MemoryError;
use ffa_abi::{
    Call, DirectMessage, FeatureQuery, FrameworkContent, FunctionId, Regs, TransactionBuffer,
    Version, Width,
};

use crate::calls::CallCase;
use crate::framework::is_odd_version;
use crate::known::Known;

type Id = FunctionId;

const BOTH_RX: [Id; 2] = [Id::RX_ACQUIRE, Id::RX_RELEASE];
const MAP: [Id; 2] = [Id::RXTX_MAP_32, Id::RXTX_MAP_64];
const WAIT: [Id; 2] = [Id::MSG_WAIT_32, Id::MSG_WAIT_64];
const YIELD: [Id; 2] = [Id::YIELD_32, Id::YIELD_64];
const RUN: [Id; 2] = [Id::RUN_32, Id::RUN_64];
const LOG: [Id; 2] = [Id::CONSOLE_LOG_32, Id::CONSOLE_LOG_64];
const PERM_SET: [Id; 2] = [Id::MEM_PERM_SET_32, Id::MEM_PERM_SET_64];
const DIRECT: [Id; 4] = [
    Id::MSG_SEND_DIRECT_REQ_32,
    Id::MSG_SEND_DIRECT_REQ_64,
    Id::MSG_SEND_DIRECT_RESP_32,
    Id::MSG_SEND_DIRECT_RESP_64,
];
const SEND: [Id; 8] = [
    Id::MEM_DONATE_32,
    Id::MEM_DONATE_64,
    Id::MEM_LEND_32,
    Id::MEM_LEND_64,
    Id::MEM_SHARE_32,
    Id::MEM_SHARE_64,
    Id::MEM_RETRIEVE_REQ_32,
    Id::MEM_RETRIEVE_REQ_64,
];
const W3_TO_W7: [&str; 6] = ["w1", "w3", "w4", "w5", "w6", "w7"];

pub(crate) const KNOWN: &[Known<CallCase>] = &[
    Known {
        name: "ids-of-1.0-only",
        explains: |case| {
            matches!(case.call(), Some(Call::MessagePoll(_) | Call::MessageSend(_)))
                && is_refused(case, |error| matches!(error, Error::UnrecognisedFunctionId(_)))
        },
        example: || at(Version::V1_0, &[0x8400_006a]),
    },
    Known {
        name: "ids-of-1.3",
        explains: |case| {
            matches!(case.call(), Some(Call::Abort(_) | Call::NonSecureResourceInfoGet(_)))
                && is_refused(case, |error| matches!(error, Error::UnrecognisedFunctionId(_)))
        },
        example: || at(Version::V1_3, &[0x8400_0090]),
    },
    Known {
        name: "wide-messages-before-1.2-panic",
        explains: |case| {
            let wide = [Id::SUCCESS_64, DIRECT[1], DIRECT[3]];
            case.theirs.panics()
                && case.version < Version::V1_2
                && wide.map(Id::bits).contains(&case.regs.w(0))
        },
        example: || at(Version::V1_1, &[0xc400_006f, 0x1_8001]),
    },
    Known {
        name: "wide-direct-messages-in-1.2",
        explains: |case| {
            let is_direct = is_call(case, |call| {
                let message = match call {
                    Call::DirectRequest(call) => call.message,
                    Call::DirectResponse(call) => call.message,
                    _ => return false,
                };
                matches!(message, DirectMessage::Partition(_)) && message.width() == Width::Bits64
            });
            let behind_x7 = case.regs.0.iter().skip(8).any(|value| *value != 0);
            is_direct && case.version == Version::V1_2 && behind_x7
        },
        example: || {
            let mut regs = regs(&[0xc400_006f, 0x1_8001]);
            regs.set(8, 1_u64);
            CallCase::new(Version::V1_2, regs)
        },
    },
    Known {
        name: "unknown-error-codes",
        explains: |case| {
            matches!(case.call(), Some(Call::Error(_)))
                && is_refused(case, |error| matches!(error, Error::UnrecognisedErrorCode(_)))
        },
        example: || at(Version::V1_3, &[0x8400_0060, 0, 0xffff_fff6]),
    },
    Known {
        name: "version-with-bit-31",
        explains: |case| {
            matches!(case.call(), Some(Call::Version(_)))
                && is_refused(case, |error| matches!(error, Error::InvalidVersion(_)))
        },
        example: || at(Version::V1_1, &[0x8400_0063, 0x8001_0001]),
    },
    Known {
        name: "version-flags-before-1.3",
        explains: |case| {
            matches!(case.call(), Some(Call::Version(_)))
                && case.version < Version::V1_3
                && case.regs.w(2) != 0
        },
        example: || at(Version::V1_1, &[0x8400_0063, 0x1_0001, 1]),
    },
    Known {
        name: "undefined-version-flags",
        explains: |case| {
            matches!(case.call(), Some(Call::Version(_)))
                && case.version >= Version::V1_3
                && case.regs.w(2) > 2
        },
        example: || at(Version::V1_3, &[0x8400_0063, 0x1_0003, 3]),
    },
    Known {
        name: "feature-id-with-high-bits",
        explains: |case| {
            let id = case.regs.w(1);
            matches!(id & 0xff, 1..=3)
                && id > 3
                && is_call(case, |call| {
                    matches!(call, Call::Features(call)
                        if !matches!(call.query, FeatureQuery::Function(_)))
                })
        },
        example: || at(Version::V1_1, &[0x8400_0064, 0x102]),
    },
    Known {
        name: "rx-ownership-reserved",
        explains: |case| case.ignores(&BOTH_RX, &["w1[31:16]"]),
        example: || at(Version::V1_1, &[0x8400_0065, 0x1_0001]),
    },
    Known {
        name: "rxtx-map-pages",
        explains: |case| case.ignores(&MAP, &["w3[31:6]"]),
        example: || at(Version::V1_1, &[0xc400_0066, 0x1000, 0x2000, 0x40]),
    },
    Known {
        name: "rxtx-unmap-reserved",
        explains: |case| case.ignores(&[Id::RXTX_UNMAP], &["w1[15:0]"]),
        example: || at(Version::V1_1, &[0x8400_0067, 1]),
    },
    Known {
        name: "count-only-in-1.0",
        explains: |case| case.ignores(&[Id::PARTITION_INFO_GET], &["w5"]),
        example: || at(Version::V1_0, &[0x8400_0068, 0, 0, 0, 0, 1]),
    },
    Known {
        name: "get-regs-tag-with-start-0",
        explains: |case| {
            matches!(case.call(), Some(Call::PartitionInfoGetRegs(_)))
                && is_refused(case, |error| matches!(error, Error::InvalidInformationTag(_)))
        },
        example: || at(Version::V1_2, &[0xc400_008b, 0, 0, 0x7_0000]),
    },
    Known {
        name: "get-regs-reserved",
        explains: |case| case.ignores(&[Id::PARTITION_INFO_GET_REGS], &["x3[63:32]"]),
        example: || at(Version::V1_2, &[0xc400_008b, 0, 0, 1 << 32]),
    },
    Known {
        name: "msg-wait-reserved",
        explains: |case| case.ignores(&WAIT, &W3_TO_W7) || case.ignores(&WAIT, &["w2[31:1]"]),
        example: || at(Version::V1_2, &[0x8400_006b, 0, 0x1_0000]),
    },
    Known {
        name: "msg-wait-flag-before-1.2",
        explains: |case| case.ignores(&WAIT, &["w2"]),
        example: || at(Version::V1_1, &[0x8400_006b, 0, 1]),
    },
    Known {
        name: "yield-reserved",
        explains: |case| case.ignores(&YIELD, &W3_TO_W7),
        example: || at(Version::V1_1, &[0x8400_006c, 0, 0, 0, 1]),
    },
    Known {
        name: "yield-target-and-timeout",
        explains: |case| case.is_same() && is_call(case, |call| matches!(call, Call::Yield(_))),
        example: || at(Version::V1_1, &[0x8400_006c, 0x8001_0000, 1000]),
    },
    Known {
        name: "run-reserved",
        explains: |case| case.ignores(&RUN, &["w2"]),
        example: || at(Version::V1_1, &[0x8400_006d, 0x8001_0000, 1]),
    },
    Known {
        name: "direct-message-flags-before-1.2",
        explains: |case| case.ignores(&DIRECT, &["w2[30:0]"]),
        example: || at(Version::V1_1, &[0x8400_006f, 0x1_8001, 1]),
    },
    Known {
        name: "framework-flags-from-1.2-on",
        explains: |case| {
            framework(case).is_some()
                && case.regs.w(2) & 0x7fff_ff00 != 0
                && is_refused(case, |error| matches!(error, Error::UnrecognisedFwkMsg(_)))
        },
        example: || at(Version::V1_2, &[0x8400_006f, 0x8001, 0x8000_0100]),
    },
    Known {
        name: "framework-type-unknown-or-misplaced",
        explains: |case| {
            framework(case).is_some()
                && case.regs.w(2) & 0x7fff_ff00 == 0
                && is_refused(case, |error| matches!(error, Error::UnrecognisedFwkMsg(_)))
        },
        example: || at(Version::V1_3, &[0x8400_006f, 0x8001, 0x8000_000a]),
    },
    Known {
        name: "framework-version-not-one",
        explains: |case| match framework(case) {
            Some(FrameworkContent::VersionRequest(request)) => {
                is_odd_version(request)
                    && is_refused(case, |error| {
                        matches!(
                            error,
                            Error::InvalidVersion(_)
                                | Error::InvalidVersionFlags(_)
                                | Error::InvalidVersionQueryType(_)
                        )
                    })
            }
            Some(FrameworkContent::VersionResponse(response)) => {
                response.version().is_none()
                    && is_refused(case, |error| matches!(error, Error::InvalidVersion(_)))
            }
            _ => false,
        },
        example: || at(Version::V1_1, &[0x8400_0070, 0x8001_0000, 0x8000_0009, 0xffff_fffd]),
    },
    Known {
        name: "framework-value-unknown",
        explains: |case| {
            is_refused(case, |error| {
                matches!(
                    error,
                    Error::UnrecognisedWarmBootType(_) | Error::UnrecognisedErrorCode(_)
                )
            }) && matches!(
                framework(case),
                Some(
                    FrameworkContent::WarmBoot(_)
                        | FrameworkContent::VmCreatedResponse(_)
                        | FrameworkContent::VmDestroyedResponse(_)
                )
            )
        },
        example: || at(Version::V1_1, &[0x8400_006f, 0x8001, 0x8000_0001, 2]),
    },
    Known {
        name: "psci-function-upper-half",
        explains: |case| {
            let is_psci = matches!(framework(case), Some(FrameworkContent::PsciRequest(_)));
            is_psci && case.regs.w(0) == DIRECT[1].bits() && case.regs.x(3) >> 32 != 0
        },
        example: || at(Version::V1_2, &[0xc400_006f, 0x8001, 0x8000_0000, 0x1_c400_0003]),
    },
    Known {
        name: "framework-unused-registers",
        explains: |case| case.is_same() && framework(case).is_some(),
        example: || at(Version::V1_1, &[0x8400_006f, 0x8001, 0x8000_0004, 1, 0, 2, 3]),
    },
    Known {
        name: "direct-response-2-reserved",
        explains: |case| case.ignores(&[Id::MSG_SEND_DIRECT_RESP2], &["x2", "x3"]),
        example: || at(Version::V1_2, &[0xc400_008e, 0x8001_0001, 0, 1]),
    },
    Known {
        name: "buffer-pages-without-address",
        explains: |case| case.ignores(&SEND, &["w4"]),
        example: || at(Version::V1_1, &[0xc400_0073, 0x60, 0x60, 0, 1]),
    },
    Known {
        name: "buffer-without-pages",
        explains: |case| {
            own_buffer(case).is_some_and(|buffer| buffer.pages() == 0) && case.regs.x(4) == 0
        },
        example: || at(Version::V1_1, &[0x8400_0073, 0x60, 0x60, 0x1000]),
    },
    Known {
        name: "buffer-upper-halves",
        explains: |case| {
            let upper = case.regs.x(4) >> 32 != 0
                || (case.regs.w(0) & 1 << 30 == 0 && case.regs.x(3) >> 32 != 0);
            upper && buffer(case).is_some() && case.theirs.accepted().is_some() && !case.is_same()
        },
        example: || at(Version::V1_1, &[0x8400_0073, 0x60, 0x60, 1 << 32, 1 << 32]),
    },
    Known {
        name: "wide-calls-with-tx-written-narrow",
        explains: |case| {
            case.is_same() && buffer(case) == Some(TransactionBuffer::Tx(Width::Bits64))
        },
        example: || at(Version::V1_1, &[0xc400_0073, 0x60, 0x60]),
    },
    Known {
        name: "mem-perm-get-pages-before-1.3",
        explains: |case| {
            matches!(case.call(), Some(Call::MemPermGet(_)))
                && case.version < Version::V1_3
                && is_refused(case, is_page_count)
        },
        example: || at(Version::V1_1, &[0xc400_0088, 0x1000, 1]),
    },
    Known {
        name: "mem-perm-get-of-2^32-pages",
        explains: |case| {
            matches!(case.call(), Some(Call::MemPermGet(call)) if call.further_pages == u32::MAX)
                && is_refused(case, is_page_count)
        },
        example: || at(Version::V1_3, &[0xc400_0088, 0x1000, 0xffff_ffff]),
    },
    Known {
        name: "mem-perm-set-reserved",
        explains: |case| case.ignores(&PERM_SET, &["w3[31:3]"]),
        example: || at(Version::V1_1, &[0xc400_0089, 0x1000, 1, 8]),
    },
    Known {
        name: "mem-perm-set-data-access-2",
        explains: |case| {
            matches!(case.call(), Some(Call::MemPermSet(call)) if call.permissions.data().is_none())
                && is_refused(case, |error| {
                    let access = MemoryError::InvalidDataAccessPermGetSet(case.regs.w(3));
                    *error == Error::MemoryManagementError(access)
                })
        },
        example: || at(Version::V1_1, &[0xc400_0089, 0x1000, 1, 2]),
    },
    Known {
        name: "console-log-reserved",
        explains: |case| case.ignores(&LOG, &["w1[31:8]"]),
        example: || at(Version::V1_2, &[0x8400_008a, 0x101, 0x41]),
    },
    Known {
        name: "console-log-count-too-high",
        explains: |case| {
            matches!(case.call(), Some(Call::ConsoleLog(call))
                if usize::from(call.count()) > call.capacity())
                && is_refused(case, |error| matches!(error, Error::InvalidCharacterCount(_)))
        },
        example: || at(Version::V1_2, &[0x8400_008a, 25]),
    },
    Known {
        name: "notification-bind-reserved",
        explains: |case| case.ignores(&[Id::NOTIFICATION_BIND], &["w2[31:1]"]),
        example: || at(Version::V1_1, &[0x8400_007f, 0x8001_0001, 2]),
    },
    Known {
        name: "notification-unbind-reserved",
        explains: |case| case.ignores(&[Id::NOTIFICATION_UNBIND], &["w2"]),
        example: || at(Version::V1_1, &[0x8400_0080, 0x8001_0001, 1]),
    },
    Known {
        name: "notification-get-reserved",
        explains: |case| case.ignores(&[Id::NOTIFICATION_GET], &["w2[31:4]"]),
        example: || at(Version::V1_1, &[0x8400_0082, 1, 0x10]),
    },
];

fn at(version: Version, values: &[u64]) -> CallCase {
    CallCase::new(version, regs(values))
}

fn regs(values: &[u64]) -> Regs {
    Regs(std::array::from_fn(|index| values.get(index).map_or(0, |value| *value)))
}

fn is_call(case: &CallCase, test: impl Fn(&Call) -> bool) -> bool {
    case.call().is_some_and(test)
}

fn is_refused(case: &CallCase, test: impl Fn(&Error) -> bool) -> bool {
    case.theirs.refused().is_some_and(test)
}

fn is_page_count(error: &Error) -> bool {
    *error == Error::MemoryManagementError(MemoryError::InvalidPageCount)
}

fn framework(case: &CallCase) -> Option<FrameworkContent> {
    let message = match case.call()? {
        Call::DirectRequest(call) => call.message,
        Call::DirectResponse(call) => call.message,
        _ => return None,
    };
    match message {
        DirectMessage::Framework(message) => Some(message.content()),
        DirectMessage::Partition(_) => None,
    }
}

fn buffer(case: &CallCase) -> Option<TransactionBuffer> {
    Some(match case.call()? {
        Call::MemDonate(call) => call.buffer,
        Call::MemLend(call) => call.buffer,
        Call::MemShare(call) => call.buffer,
        Call::MemRetrieveReq(call) => call.buffer,
        _ => return None,
    })
}

fn own_buffer(case: &CallCase) -> Option<TransactionBuffer> {
    buffer(case).filter(|buffer| buffer.address() != 0)
}
