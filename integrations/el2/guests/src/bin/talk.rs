//! Talks with its partner.
#![cfg_attr(target_os = "none", no_std, no_main)]

ffa_el2_guests::guest!(talk);
