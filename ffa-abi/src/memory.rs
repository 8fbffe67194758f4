//! Memory that is donated, lent or shared.

pub(crate) mod handle;
