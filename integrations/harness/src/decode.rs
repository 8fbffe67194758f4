//! Explains registers and descriptors of FF-A field by field: `ffa-harness decode`.
//!
//! ```
//! use ffa_abi::{Call, IdGet, Request, Version};
//! let text = ffa_harness::decode::call(&IdGet.encode(), Version::V1_1);
//! assert!(text.starts_with("FFA_ID_GET\nFF-A 1.1, SMC32, x8..x17 not used\n"));
//! ```

mod calls;
mod descriptor;
mod registers;
mod show;
mod table;

pub use descriptor::{Dump, Kind, carries_transaction, descriptor};
pub use registers::{call, reply, rows_of_call, rows_of_reply};
pub use table::{Content, Row};
