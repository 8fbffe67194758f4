//! What each guest does.

pub mod dom0;
pub mod hello;
pub mod hostile;
pub mod keeper;
pub mod leaks;
pub mod lister;
pub mod mayfly;
pub mod meter;
pub mod neighbour;
pub mod selftest;
pub mod share;
pub mod storm;
pub mod talk;
pub mod transcript;
mod turns;
