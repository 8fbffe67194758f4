//! What completes the calls of memory management: `FFA_SUCCESS`, or a call in the other direction.
//!
//! DEN0077 up to 1.1, DEN0140 from 1.2 on, under these names.

use core::fmt;

use super::mem_frag::{MemFragRx, MemFragTx};
use super::mem_op::{MemOpPause, MemOpResume};
use super::mem_retrieve_resp::MemRetrieveResp;
use crate::call::Request;
use crate::function::FunctionId;
use crate::memory::handle::MemoryHandle;
use crate::regs::Regs;
use crate::reply::{CallError, Empty, Reply, ReplyError, Success, write_success};
use crate::version::Version;

/// `FFA_SUCCESS`, w2, w3: the handle of the region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryHandleReply {
    /// The region's handle.
    pub handle: MemoryHandle,
}

impl Reply for MemoryHandleReply {
    fn write(&self, regs: &mut Regs) {
        let (low, high) = self.handle.words();
        write_success(regs, low, high);
    }

    fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
        let regs = Success::check(regs)?.regs();
        Ok(MemoryHandleReply { handle: MemoryHandle::from_words(regs.w(2), regs.w(3)) })
    }
}

/// Makes calls what completes other calls, too.
macro_rules! calls_that_reply {
    ($($call:ident = $function:ident;)*) => {
        $(impl Reply for $call {
            fn write(&self, regs: &mut Regs) {
                regs.take_first(Regs::BASIC, &self.encode());
            }

            fn read(regs: &Regs, _: Version) -> Result<Self, CallError> {
                match FunctionId::from_bits(regs.w(0)) {
                    Some(FunctionId::$function) => Ok($call::from_regs(regs)),
                    _ => Err(refused(regs)),
                }
            }
        })*
    };
}

calls_that_reply! {
    MemRetrieveResp = MEM_RETRIEVE_RESP;
    MemFragRx = MEM_FRAG_RX;
    MemFragTx = MEM_FRAG_TX;
    MemOpPause = MEM_OP_PAUSE;
    MemOpResume = MEM_OP_RESUME;
}

/// The error in registers that are no reply to the call: the code of `FFA_ERROR`, or an id, even
/// `FFA_SUCCESS`, that cannot complete it.
fn refused(regs: &Regs) -> CallError {
    let unexpected = CallError::Reply(ReplyError::UnexpectedFunction(regs.w(0)));
    Success::check(regs).err().unwrap_or(unexpected)
}

/// An enum of replies, each variant by its function ids.
macro_rules! mem_replies {
    ($($(#[$doc:meta])* $reply:ident {
        $($(#[$variant_doc:meta])* $variant:ident($type:ty) = $($function:ident)|+,)*
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, Debug)]
            pub enum $reply {
                $($(#[$variant_doc])* $variant($type),)*
            }

            impl Reply for $reply {
                fn write(&self, regs: &mut Regs) {
                    match self {
                        $($reply::$variant(reply) => reply.write(regs),)*
                    }
                }

                fn read(regs: &Regs, version: Version) -> Result<Self, CallError> {
                    match FunctionId::from_bits(regs.w(0)) {
                        $(Some($(FunctionId::$function)|+) => {
                            <$type>::read(regs, version).map($reply::$variant)
                        })*
                        _ => Err(refused(regs)),
                    }
                }
            }

            impl fmt::Display for $reply {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    match self {
                        $($reply::$variant(reply) => fmt::Display::fmt(reply, f),)*
                    }
                }
            }
        )*
    };
}

mem_replies! {
    /// What completes `FFA_MEM_DONATE`, `FFA_MEM_LEND` and `FFA_MEM_SHARE`.
    MemSendReply {
        /// The callee wants the next fragment, to be sent with [`MemFragTx`].
        FragRx(MemFragRx) = MEM_FRAG_RX,
        /// The callee paused, to be continued with [`MemOpResume`].
        Paused(MemOpPause) = MEM_OP_PAUSE,
        /// The memory is sent.
        Success(MemoryHandleReply) = SUCCESS_32 | SUCCESS_64,
    }

    /// What completes `FFA_MEM_RETRIEVE_REQ`.
    MemRetrieveReply {
        /// The callee wants the next fragment of the request, to be sent with [`MemFragTx`].
        FragRx(MemFragRx) = MEM_FRAG_RX,
        /// The callee paused, to be continued with [`MemOpResume`].
        Paused(MemOpPause) = MEM_OP_PAUSE,
        /// The memory is the caller's to use, and its descriptor lies in the RX buffer.
        RetrieveResp(MemRetrieveResp) = MEM_RETRIEVE_RESP,
    }

    /// What completes `FFA_MEM_FRAG_TX`, by the call whose descriptor it continues.
    MemFragTxReply {
        /// The callee wants the next fragment.
        FragRx(MemFragRx) = MEM_FRAG_RX,
        /// It was the last of a request to retrieve, which is completed.
        RetrieveResp(MemRetrieveResp) = MEM_RETRIEVE_RESP,
        /// The callee paused, to be continued with [`MemOpResume`].
        Paused(MemOpPause) = MEM_OP_PAUSE,
        /// It was the last of a descriptor that sends memory, and the memory is sent.
        Success(MemoryHandleReply) = SUCCESS_32 | SUCCESS_64,
    }

    /// What completes `FFA_MEM_OP_RESUME`, by the call that was paused.
    MemOpResumeReply {
        /// The callee wants the next fragment, to be sent with [`MemFragTx`].
        FragRx(MemFragRx) = MEM_FRAG_RX,
        /// The memory is retrieved.
        RetrieveResp(MemRetrieveResp) = MEM_RETRIEVE_RESP,
        /// The callee paused again.
        Paused(MemOpPause) = MEM_OP_PAUSE,
        /// The call is done. The handle is that of the memory where it was a call that sends, and
        /// zero where it was `FFA_MEM_RELINQUISH` or `FFA_MEM_RECLAIM`.
        Success(MemoryHandleReply) = SUCCESS_32 | SUCCESS_64,
    }

    /// What completes `FFA_MEM_RELINQUISH` and `FFA_MEM_RECLAIM`.
    MemReleaseReply {
        /// The callee paused, to be continued with [`MemOpResume`].
        Paused(MemOpPause) = MEM_OP_PAUSE,
        /// Done.
        Success(Empty) = SUCCESS_32 | SUCCESS_64,
    }
}

impl fmt::Display for MemoryHandleReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SUCCESS handle={}", self.handle)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::id::EndpointId;
    use crate::reply::write_error;
    use crate::status::Status;
    use std::fmt::Debug;
    use std::string::ToString;

    const HANDLE: MemoryHandle = MemoryHandle(0x8000_0001_0000_0002);
    const SUCCESS: MemoryHandleReply = MemoryHandleReply { handle: HANDLE };
    const FRAG_RX: MemFragRx =
        MemFragRx { handle: HANDLE, offset: 0x1000, endpoint: EndpointId(3) };
    const FRAG_TX: MemFragTx = MemFragTx { handle: HANDLE, length: 0x50, endpoint: EndpointId(3) };
    const RESP: MemRetrieveResp = MemRetrieveResp { total_length: 0x60, fragment_length: 0x50 };
    const PAUSE: MemOpPause = MemOpPause { handle: HANDLE };
    const RESUME: MemOpResume = MemOpResume { handle: HANDLE };

    const SUCCESS_WORDS: [u64; 8] = [0x8400_0061, 0, 2, 0x8000_0001, 0, 0, 0, 0];
    const FRAG_RX_WORDS: [u64; 8] = [0x8400_007a, 2, 0x8000_0001, 0x1000, 0x3_0000, 0, 0, 0];
    const FRAG_TX_WORDS: [u64; 8] = [0x8400_007b, 2, 0x8000_0001, 0x50, 0x3_0000, 0, 0, 0];
    const RESP_WORDS: [u64; 8] = [0x8400_0075, 0x60, 0x50, 0, 0, 0, 0, 0];
    const PAUSE_WORDS: [u64; 8] = [0x8400_0078, 2, 0x8000_0001, 0, 0, 0, 0, 0];
    const RESUME_WORDS: [u64; 8] = [0x8400_0079, 2, 0x8000_0001, 0, 0, 0, 0, 0];

    /// Both directions, what the reply leaves alone, and how it prints.
    fn check<R: Reply + PartialEq + Debug>(reply: &R, words: [u64; 8], text: &str) {
        let mut regs = Regs([0xdead_beef_dead_beef; 18]);
        reply.write(&mut regs);
        assert_eq!(regs.0[..8], words);
        assert_eq!(regs.0[8..], [0xdead_beef_dead_beef; 10]);
        assert_eq!(R::read(&regs, Version::V1_2).as_ref(), Ok(reply));
        for register in &mut regs.0[..8] {
            *register |= 0xffff_ffff << 32;
        }
        assert_eq!(R::read(&regs, Version::V1_2).as_ref(), Ok(reply), "upper halves are ignored");
        assert_eq!(reply.to_string(), text);
    }

    /// The ids that `R` takes for a reply, out of all that could be one.
    fn taken<R: Reply>() -> [bool; 7] {
        let ids = [0x61, 0x75, 0x78, 0x79, 0x7a, 0x7b, 0x73];
        ids.map(|number| {
            let mut regs = Regs::ZERO;
            regs.set(0, 0x8400_0000_u32 | number);
            let read = R::read(&regs, Version::V1_2);
            if let Err(error) = &read {
                let unexpected = ReplyError::UnexpectedFunction(0x8400_0000 | number);
                assert_eq!(*error, CallError::Reply(unexpected));
            }
            write_error(&mut regs, Status::NO_MEMORY);
            assert_eq!(
                R::read(&regs, Version::V1_2).err(),
                Some(CallError::Status(Status::NO_MEMORY))
            );
            read.is_ok()
        })
    }

    #[test]
    fn memory_is_sent_or_more_is_wanted() {
        check(&MemSendReply::Success(SUCCESS), SUCCESS_WORDS, "SUCCESS handle=0x8000000100000002");
        let text = "FFA_MEM_FRAG_RX handle=0x8000000100000002 offset=4096 id=0x0003";
        check(&MemSendReply::FragRx(FRAG_RX), FRAG_RX_WORDS, text);
        let text = "FFA_MEM_OP_PAUSE handle=0x8000000100000002";
        check(&MemSendReply::Paused(PAUSE), PAUSE_WORDS, text);
    }

    #[test]
    fn a_retrieval_is_completed_by_its_response() {
        let text = "FFA_MEM_RETRIEVE_RESP total=96 fragment=80";
        check(&MemRetrieveReply::RetrieveResp(RESP), RESP_WORDS, text);
        check(&MemFragTxReply::RetrieveResp(RESP), RESP_WORDS, text);
        check(&MemOpResumeReply::RetrieveResp(RESP), RESP_WORDS, text);
    }

    #[test]
    fn fragments_answer_each_other() {
        let text = "FFA_MEM_FRAG_RX handle=0x8000000100000002 offset=4096 id=0x0003";
        check(&FRAG_RX, FRAG_RX_WORDS, text);
        check(&MemRetrieveReply::FragRx(FRAG_RX), FRAG_RX_WORDS, text);
        check(&MemFragTxReply::FragRx(FRAG_RX), FRAG_RX_WORDS, text);
        check(&MemOpResumeReply::FragRx(FRAG_RX), FRAG_RX_WORDS, text);
        let text = "FFA_MEM_FRAG_TX handle=0x8000000100000002 length=80 id=0x0003";
        check(&FRAG_TX, FRAG_TX_WORDS, text);
    }

    #[test]
    fn a_pause_is_answered_by_a_resumption() {
        check(&RESUME, RESUME_WORDS, "FFA_MEM_OP_RESUME handle=0x8000000100000002");
        let text = "FFA_MEM_OP_PAUSE handle=0x8000000100000002";
        check(&PAUSE, PAUSE_WORDS, text);
        check(&MemRetrieveReply::Paused(PAUSE), PAUSE_WORDS, text);
        check(&MemFragTxReply::Paused(PAUSE), PAUSE_WORDS, text);
        check(&MemOpResumeReply::Paused(PAUSE), PAUSE_WORDS, text);
        check(&MemReleaseReply::Paused(PAUSE), PAUSE_WORDS, text);
    }

    #[test]
    fn a_success_carries_a_handle_where_memory_was_sent() {
        let text = "SUCCESS handle=0x8000000100000002";
        check(&MemFragTxReply::Success(SUCCESS), SUCCESS_WORDS, text);
        check(&MemOpResumeReply::Success(SUCCESS), SUCCESS_WORDS, text);
        let words = [0x8400_0061, 0, 0, 0, 0, 0, 0, 0];
        check(&MemReleaseReply::Success(Empty), words, "SUCCESS");
    }

    #[test]
    fn both_widths_of_success_are_success() {
        let mut regs = Regs::ZERO;
        regs.0[..8].copy_from_slice(&SUCCESS_WORDS);
        regs.set(0, 0xc400_0061_u32);
        assert_eq!(MemSendReply::read(&regs, Version::V1_2), Ok(MemSendReply::Success(SUCCESS)));
    }

    #[test]
    fn what_cannot_complete_a_call_is_no_reply_to_it() {
        //                SUCCESS RESP  PAUSE  RESUME FRAG_RX FRAG_TX MEM_SHARE
        assert_eq!(taken::<MemSendReply>(), [true, false, true, false, true, false, false]);
        assert_eq!(taken::<MemRetrieveReply>(), [false, true, true, false, true, false, false]);
        assert_eq!(taken::<MemFragTxReply>(), [true, true, true, false, true, false, false]);
        assert_eq!(taken::<MemOpResumeReply>(), [true, true, true, false, true, false, false]);
        assert_eq!(taken::<MemReleaseReply>(), [true, false, true, false, false, false, false]);
        assert_eq!(taken::<MemFragTx>(), [false, false, false, false, false, true, false]);
        assert_eq!(taken::<MemFragRx>(), [false, false, false, false, true, false, false]);
        assert_eq!(taken::<MemOpResume>(), [false, false, false, true, false, false, false]);
    }
}
