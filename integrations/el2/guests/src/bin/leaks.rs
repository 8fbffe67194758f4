//! Looks for another VM's values in registers.
#![cfg_attr(target_os = "none", no_std, no_main)]

ffa_el2_guests::guest!(leaks);
