//! Lists the partitions while others come and go.
#![cfg_attr(target_os = "none", no_std, no_main)]

ffa_el2_guests::guest!(lister);
