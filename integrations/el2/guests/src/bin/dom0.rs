//! Rules the other domains of Xen, and is an FF-A VM among them.
#![cfg_attr(target_os = "none", no_std, no_main)]

ffa_el2_guests::guest!(dom0);
