//! Any RDS in any container, damaged inside or outside: refused, or a descriptor that survives
//! being written and read.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| bigannoy_tests::any_input::descriptor_rds(input));
