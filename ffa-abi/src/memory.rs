//! Descriptors of memory management (DEN0077 up to 1.1, DEN0140 from 1.2 on).

pub(crate) mod attributes;
pub(crate) mod distinct;
pub(crate) mod flags;
pub(crate) mod fragments;
pub(crate) mod handle;
pub(crate) mod header;
pub(crate) mod layout;
pub(crate) mod new_transaction;
pub(crate) mod permissions;
pub(crate) mod range;
pub(crate) mod receiver;
pub(crate) mod relinquish;
pub(crate) mod transaction;
pub(crate) mod translate;
