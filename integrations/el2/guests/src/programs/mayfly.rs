//! Lives shortly: lists once and resets itself; or, with rounds in its argument, lists until it is
//! killed.

use crate::argument::Argument;
use crate::client::{Client, Error};
use crate::machine::{Verdict, reset};
use crate::println;

/// The program.
///
/// # Errors
/// What went wrong before it could reset itself.
pub fn main(argument: Argument) -> Verdict {
    live(argument).map_err(|error| {
        println!("listing: {error}");
        "cannot list"
    })?;
    reset()
}

fn live(argument: Argument) -> Result<(), Error> {
    let client = Client::negotiate(argument.conduit, argument.version())?;
    client.map()?;
    loop {
        client.list()?;
        if argument.rounds == 0 {
            return Ok(());
        }
    }
}
