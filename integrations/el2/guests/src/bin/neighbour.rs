//! Reads memory that is not its own.
#![cfg_attr(target_os = "none", no_std, no_main)]

ffa_el2_guests::guest!(neighbour);
