//! `ffa-harness decode` of descriptors, as an engineer meets it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod decoding;

use decoding::{explained, refuses, text};
use ffa_abi::{FunctionId, Version};
use ffa_harness::decode::{Dump, Kind, descriptor};

/// A memory share of two ranges in the layout of 1.2, written by hand from DEN0140's tables.
const SHARE: &str = "01 00 2f 00 00 00 00 00 00 00 00 00 00 00 00 00
    00 00 00 00 00 00 00 00 20 00 00 00 01 00 00 00
    30 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
    03 80 02 00 50 00 00 00 00 00 00 00 00 00 00 00
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
    03 00 00 00 02 00 00 00 00 00 00 00 00 00 00 00
    00 00 00 80 00 00 00 00 02 00 00 00 00 00 00 00
    00 40 00 80 00 00 00 00 01 00 00 00 00 00 00 00";

#[test]
fn a_transaction_is_explained_with_offsets() {
    let expected = "
        SHARE sender=0x0001 handle=0x0000000000000000 tag=0x0 flags=0 memory=normal write-back inner to=[0x8003:RW] pages=3 ranges=2
        SHARE, layout of 1.2; a guess, --call says it

        transaction header at 0x0
          0x0000   2  sender                  0x1                 VM 1
          0x0002   2  attributes              0x2f                normal write-back inner
          0x0004   4  flags                   0x0                 0
          0x0008   8  handle                  0x0                 none
          0x0010   8  tag                     0x0
          0x0018   4  access size             0x20                32
          0x001c   4  receiver count          0x1                 1
          0x0020   4  access offset           0x30

        receiver 0 at 0x30
          0x0030   2  receiver                0x8003              secure, 0x8003
          0x0032   1  permissions             0x2                 RW
          0x0033   1  flags                   0x0
          0x0034   4  composite offset        0x50
          0x0038  16  implementation-defined                      00000000000000000000000000000000

        composite memory region at 0x50
          0x0050   4  total page count        0x3                 3 pages, 12 KiB
          0x0054   4  range count             0x2                 2
          0x0060  16  range 0                 0x80000000          2 pages, 8 KiB, up to 0x80001fff
          0x0070  16  range 1                 0x80004000          1 page, 4 KiB, up to 0x80004fff";
    let share = explained(&["--descriptor", "transaction", "--hex", SHARE]);
    assert_eq!(share, text(expected));
    let lend = ["--descriptor", "transaction", "--hex", SHARE, "--call", "MEM_LEND"];
    assert!(explained(&lend).contains("\nLEND, layout of 1.2\n"));
    // A share is never zeroed.
    let zeroed = SHARE.replacen("2f 00 00", "2f 00 01", 1);
    let zeroed = explained(&["--descriptor", "transaction", "--hex", &zeroed]);
    assert!(zeroed.contains("\nLEND, layout of 1.2; a guess, --call says it\n"), "{zeroed}");
}

#[test]
fn a_refused_transaction_is_marked_where_it_is_wrong() {
    let wrong = SHARE.replace("01 00 2f", "01 00 3f");
    let refused = explained(&["--descriptor", "transaction", "--hex", &wrong]);
    let expected = "
        refused: attributes[5:4] at 0x2 is invalid
          0x0000  01 00 3f 00 00 00 00 00 00 00 00 00 00 00 00 00
                        ^^ is invalid
";
    assert!(refused.starts_with(text(expected).as_str()), "{refused}");
    let row = "0x3f                attributes[5:4] is reserved  <-- is invalid\n";
    assert!(refused.contains(row), "{refused}");
    let reserved = SHARE.replace("30 00 00 00 00 00", "30 00 00 00 09 00");
    let refused = explained(&["--descriptor", "transaction", "--hex", &reserved]);
    let row = "  0x0024  12  reserved                                    MUST BE ZERO  <-- must be zero\n";
    assert!(refused.contains(row), "{refused}");
}

#[test]
fn a_transaction_may_be_longer_or_shorter_than_what_is_there() {
    let [short, long] = [&SHARE[..SHARE.len() - 52], &format!("{SHARE} 00 00")];
    let first = explained(&["--descriptor", "transaction", "--hex", short, "--length", "0x80"]);
    assert!(first.contains("first fragment: 112 of 128 bytes"), "{first}");
    assert!(first.contains("the bytes end at 0x70: 1 ranges missing"), "{first}");
    let refused = explained(&["--descriptor", "transaction", "--hex", long]);
    let hint = "  the bytes end at 0x82; a transaction may be shorter: --length N\n";
    assert!(refused.contains(hint), "{refused}");
    let cut = explained(&["--descriptor", "transaction", "--hex", long, "--length", "128"]);
    assert!(cut.starts_with("SHARE sender=0x0001"), "{cut}");
}

#[test]
fn long_lists_are_cut_unless_all_is_wanted() {
    let mut bytes = vec![0x05, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 20, 0, 0, 0];
    bytes.extend((1..=20_u8).flat_map(|id| [id, 0]));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let cut = explained(&["--descriptor", "relinquish", "--hex", &hex]);
    assert!(cut.contains("endpoint 15") && !cut.contains("endpoint 16"), "{cut}");
    assert!(cut.contains("  ... and 4 more endpoints: --all shows all\n"), "{cut}");
    let all = explained(&["--descriptor", "relinquish", "--hex", &hex, "--all"]);
    assert!(all.contains("endpoint 19") && !all.contains("more endpoints"), "{all}");
}

#[test]
fn each_kind_of_descriptor_is_explained() {
    let cases = [
        (
            "relinquish",
            "1.2",
            "0100000000000080 01000000 01000000 0380",
            "RELINQUISH handle=0x8000000000000001 by=[0x8003] zero\n",
            "  0x0010   2  endpoint 0              0x8003              secure, 0x8003\n",
        ),
        (
            "partition-info",
            "1.1",
            "0380 0400 09010000 00112233 44556677 8899aabb ccddeeff",
            "1 partition(s), 24 bytes each, layout of 1.1\n",
            "UUID                                        00112233-4455-6677-8899-aabbccddeeff\n",
        ),
        (
            "partition-info",
            "1.0",
            "0380 0400 01000000 0100 0200 03000000",
            "2 partition(s), 8 bytes each, layout of 1.0\n",
            "partition 1 at 0x8\n",
        ),
        (
            "message",
            "1.1",
            "00000000 00000000 18000000 0380 0100 05000000 00000000 68656c6c6f",
            "message from=0x0001 to=0x8003 of 5 bytes\n",
            "payload at 0x18\n  0x0018  68 65 6c 6c 6f\n",
        ),
        (
            "rxtx",
            "1.0",
            "0100 0000 01000000 01000000 00000000
             0000008000000000 01000000 00000000 0010008000000000 01000000 00000000",
            "endpoint=0x0001 rx=[0x80000000+1] tx=[0x80001000+1]\n",
            "  0x0020  16  TX range 0              0x80001000          1 page, 4 KiB, up to 0x80001fff\n",
        ),
        (
            "rxtx",
            "1.1",
            "0100 0000 10000000 30000000 00000000
             01000000 01000000 0000000000000000 0000008000000000 01000000 00000000
             01000000 01000000 0000000000000000 0010008000000000 01000000 00000000",
            "endpoint=0x0001 rx=[0x80000000+1] tx=[0x80001000+1]\n",
            "TX buffer at 0x30\n",
        ),
        (
            "boot-information",
            "1.2",
            "fa0f0000 01000100 40000000 20000000 01000000 20000000 0000000000000000
             6d616e69666573740000000000000000 00 00 0400 04000000 7b00000000000000",
            "boot information 1.1 of 64 bytes, items: 1\n",
            "flags                   0x4                 name is text, contents are value\n",
        ),
    ];
    for (kind, version, hex, first, row) in cases {
        let text = explained(&["--descriptor", kind, "--version", version, "--hex", hex]);
        assert!(text.starts_with(first), "{kind}: {text}");
        assert!(text.contains(row), "{kind}: {text}");
    }
}

#[test]
fn a_refused_descriptor_of_each_kind_says_where() {
    let cases = [
        (
            "relinquish",
            "0100000000000080 00000000 02000000 0380 0380",
            "endpoint at 0x12 is there twice",
        ),
        (
            "relinquish",
            "01",
            "relinquish descriptor at 0x0 lies past the end\n  0x0000  01\n          ^^ the bytes end at 0x1",
        ),
        ("partition-info", "0380", "partition information descriptor at 0x0 lies past the end"),
        ("message", "00000000 00000000 04000000", "message header at 0x0 lies past the end"),
        ("rxtx", "0100 0100 10000000 30000000", "reserved at 0x2 must be zero"),
        (
            "boot-information",
            "fb0f0000 01000100 20000000 20000000 00000000 20000000 0000000000000000",
            "signature at 0x0 is invalid",
        ),
    ];
    for (kind, hex, fault) in cases {
        let text = explained(&["--descriptor", kind, "--hex", hex]);
        assert!(text.starts_with(&format!("refused: {fault}")), "{kind}: {text}");
    }
}

#[test]
fn bytes_come_from_a_file_or_pasted_in_any_shape() {
    let bytes = [1, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0x80];
    let path = std::env::temp_dir().join(format!("ffa-decode-{}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    let from_file = explained(&["--descriptor", "relinquish", "--file", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    let pasted = [
        "010000000000008000000000010000000380",
        "0x01, 0x00,0x00,0x00 ,0x00,0x00,0x00,0x80,\n0x00,0x00,0x00,0x00, 0x01,0x00,0x00,0x00,\t0x03,0x80,",
        "01 00 00 00 00 00 00 80  00 00 00 00 01 00 00 00\n03 80\n",
    ];
    for hex in pasted {
        assert_eq!(explained(&["--descriptor", "relinquish", "--hex", hex]), from_file);
    }
}

#[test]
fn a_size_of_zero_does_not_list_the_same_bytes_for_ever() {
    let count = "a0860100";
    let transaction = format!("0100 2f00 {} 00000000 {count} 30000000", "00".repeat(20));
    let boot = format!("fa0f0000 01000100 20000000 00000000 {count} 20000000 {}", "00".repeat(8));
    for (kind, hex) in [("transaction", transaction), ("boot-information", boot)] {
        let hex = hex + &"00".repeat(200);
        let text = explained(&["--descriptor", kind, "--all", "--hex", &hex]);
        assert!(text.lines().count() < 500, "{kind}: {} lines", text.lines().count());
    }
}

#[test]
fn no_bytes_panic() {
    let mut random = fastrand::Rng::with_seed(5);
    let names =
        ["transaction", "relinquish", "partition-info", "message", "rxtx", "boot-information"];
    let versions = [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3];
    let calls = [None, Some(FunctionId::MEM_SHARE_32), Some(FunctionId::MEM_RETRIEVE_REQ_64)];
    for _ in 0..20_000 {
        // Mostly small numbers: they are counts and offsets that lead somewhere.
        let byte = |random: &mut fastrand::Rng| random.u8(..) & random.u8(..) & random.u8(..);
        let bytes = (0..random.usize(0..160)).map(|_| byte(&mut random)).collect();
        let kind = Kind::from_name(random.choice(names).unwrap()).unwrap();
        let version = random.choice(versions).unwrap();
        let call = random.choice(calls).unwrap();
        let length = random.bool().then(|| random.u32(0..200));
        let text = descriptor(kind, &Dump { bytes, version, call, length, all: random.bool() });
        assert!(!text.is_empty());
    }
}

#[test]
fn wrong_usage_is_explained() {
    let cases: [(&[&str], &str); 10] = [
        (
            &["--descriptor", "share"],
            "--descriptor share: one of transaction, relinquish, partition-info",
        ),
        (
            &["--descriptor", "rxtx"],
            "the descriptor's bytes are missing: --file PATH or --hex BYTES",
        ),
        (
            &["--descriptor", "rxtx", "--hex", "0 1"],
            "0 has an odd number of digits, a byte has two",
        ),
        (&["--descriptor", "rxtx", "--hex", "0g"], "'g' in 0g is no hexadecimal digit"),
        (
            &["--descriptor", "rxtx", "--file", "/nothing/here"],
            "--file /nothing/here: No such file",
        ),
        (&["--descriptor", "rxtx", "--hex", "00", "--hex", "00"], "give the bytes once"),
        (
            &["--descriptor", "rxtx", "--hex", "00", "0x1"],
            "bytes come by --file or --hex, not registers",
        ),
        (
            &["--descriptor", "rxtx", "--hex", "00", "--length", "1"],
            "only with --descriptor transaction",
        ),
        (
            &["--descriptor", "transaction", "--hex", "00", "--call", "ID_GET"],
            "--call FFA_ID_GET: carries no transaction, as FFA_MEM_SHARE_32 does",
        ),
        (
            &["--descriptor", "transaction", "--hex", "00", "--call", "5"],
            "--call 0x5: carries no transaction",
        ),
    ];
    for (arguments, message) in cases {
        refuses(arguments, message);
    }
}
