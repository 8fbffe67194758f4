//! `ffa-harness decode` of registers, as an engineer meets it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod decoding;

use decoding::{explained, refuses, text, words};

#[test]
fn a_call_is_explained_field_by_field() {
    let expected = "
        FFA_PARTITION_INFO_GET count uuid=00000000-0000-0000-0000-000000000000
        FF-A 1.2, SMC32, x8..x17 not used

          w0      0x84000068  function ID        FFA_PARTITION_INFO_GET
          w1      0x0         UUID               00000000-0000-0000-0000-000000000000 (nil)
          w2..w4  0x0         UUID
          w5[0]   0x1         return count only  yes
          must be zero, and is: w5[31:1]";
    assert_eq!(words("0x84000068 0 0 0 0 1"), text(expected));
}

#[test]
fn what_must_be_zero_is_flagged_and_what_is_ignored_too() {
    let expected = "
        refused: FFA_PARTITION_INFO_GET: w5 must be zero
        FF-A 1.0, SMC32, x8..x17 not used

          w0         0x84000068  function ID  FFA_PARTITION_INFO_GET
          x0[63:32]  0x1                      ignored
          w1         0x0         UUID         00000000-0000-0000-0000-000000000000 (nil)
          w2..w4     0x0         UUID
          w5         0x7         reserved     MUST BE ZERO
          x6         0x3                      ignored
          x9         0x2                      ignored";
    let arguments = "--version 1.0 0x1_8400_0068 0 0 0 0 7 3 0 0 2";
    assert_eq!(words(arguments), text(expected));
}

#[test]
fn a_call_of_another_version_is_explained_and_said_to_be_one() {
    let expected = "
        FFA_PARTITION_INFO_GET_REGS start=2 tag=0xabcd uuid=11111111-2222-3333-4444-555555555555
        FF-A 1.1, SMC64, x8..x17 not used
        NOT IN 1.1: FFA_PARTITION_INFO_GET_REGS exists since 1.2

          w0         0xc400008b          function ID      FFA_PARTITION_INFO_GET_REGS
          x1         0x3333222211111111  UUID             11111111-2222-3333-4444-555555555555
          x2         0x5555555555554444  UUID
          x3[31:16]  0xabcd              information tag
          x3[15:0]   0x2                 start index      2
          must be zero, and is: x3[63:32]";
    let arguments = "0xc400008b 0x3333222211111111 0x5555555555554444 0xabcd0002 --version 1.1";
    assert_eq!(words(arguments), text(expected));
    assert!(words("MSG_POLL").contains("NOT IN 1.2: FFA_MSG_POLL exists since 1.0, last in 1.0"));
}

#[test]
fn a_framework_message_is_explained_by_its_type() {
    let expected = "
        FFA_MSG_SEND_DIRECT_REQ_32 sender=0x0000 receiver=0x8003 VM_CREATED vm=0x0001 handle=0x8000000000000005
        FF-A 1.1, SMC32, x8..x17 not used

          w0         0x8400006f  function ID        FFA_MSG_SEND_DIRECT_REQ_32
          w1[31:16]  0x0         sender ID          0, the hypervisor or nobody
          w1[15:0]   0x8003      receiver ID        secure, 0x8003
          w2[31]     0x1         framework message  yes
          w2[7:0]    0x4         message type       VM_CREATED
          w3         0x5         handle             0x8000000000000005, allocated by the hypervisor
          w4         0x80000000  handle
          w5[15:0]   0x1         VM ID              VM 1
          must be zero, and is: w2[30:8]";
    let arguments = "MSG_SEND_DIRECT_REQ_32 0x8003 0x80000004 5 0x80000000 1 --version 1.1";
    assert_eq!(words(arguments), text(expected));
}

#[test]
fn registers_beyond_x7_are_used_where_the_version_has_them() {
    let extended = words("0xc400006f 0x18003 0 1 2 3 4 5 6 --version 1.3");
    assert!(extended.contains("FF-A 1.3, SMC64, x8..x17 used\n"), "{extended}");
    assert!(extended.contains("  x9..x17    0x0         payload\n"), "{extended}");
    let basic = words("0xc400006f 0x18003 0 1 2 3 4 5 6 --version 1.2");
    assert!(basic.contains("x8..x17 not used\n"), "{basic}");
    assert!(basic.contains("  x8         0x6                            ignored\n"), "{basic}");
}

#[test]
fn a_foreign_id_is_taken_apart() {
    let expected = "
        refused: not an FF-A function id

          w0[31]     0x1     fast call        yes
          w0[30]     0x0     SMC64            no
          w0[29:24]  0x3f    owner            NOT 4, who has FF-A
          w0[23:17]  0x0     reserved
          w0[16]     0x0     SVE hint         no
          w0[15:0]   0xff01  function number  NOT of 0x60..=0xef, FF-A's range";
    assert_eq!(words("0xbf00ff01"), text(expected));
}

#[test]
fn a_function_without_a_layout_says_so() {
    let unknown = words("0xc4000094 1 --version 1.3");
    assert!(unknown.starts_with("FFA_NOTIFICATION_BIND2: not known here\n"), "{unknown}");
    assert!(words("0x840000ef").contains("no version of FF-A has this function"));
}

#[test]
fn a_reply_alone_is_explained() {
    let expected = "
        FFA_ERROR INVALID_PARAMETERS
        FF-A 1.2, SMC32, x8..x17 not used

          w0         0x84000060  function ID  FFA_ERROR
          w1[31:16]  0x0         target ID    0, the hypervisor or nobody
          w1[15:0]   0x0         target vCPU  vCPU 0
          w2         0xfffffffe  error code   INVALID_PARAMETERS (-2)
          w3         0x0         more";
    assert_eq!(words("--reply 0x84000060 0 0xfffffffe"), text(expected));
    let negative = words("--reply 0x84000060 0 -2");
    assert!(negative.contains("INVALID_PARAMETERS (-2)"), "{negative}");
    assert!(
        words("--reply 0x84000062 0x80010000 34")
            .contains("w2         0x22        interrupt ID  34")
    );
    assert!(words("--reply FFA_YIELD 0x80010000 7").contains("7 ns"));
    assert!(words("--reply 0x84000061 0 5").contains("  w2         0x5         result\n"));
}

#[test]
fn a_reply_is_explained_by_its_call() {
    let expected = "
        FFA_PARTITION_INFO_GET_REGS start=0 tag=0x0 uuid=00000000-0000-0000-0000-000000000000
        -> SUCCESS indices=0..=0 last=3 tag=0x1 ids=0x8003
        FF-A 1.2, SMC64, x8..x17 not used

          w0         0xc4000061          function ID         FFA_SUCCESS_64
          x2[63:48]  0x18                descriptor size     24
          x2[47:32]  0x1                 information tag
          x2[31:16]  0x0                 current index       0
          x2[15:0]   0x3                 last index          3
          x3[63:32]  0x109               properties          PE endpoint: receives-req notifications AArch64
          x3[31:16]  0x4                 execution contexts  4
          x3[15:0]   0x8003              partition ID        secure, 0x8003
          x4         0x3333222211111111  UUID                11111111-2222-3333-4444-555555555555
          x5         0x5555555555554444  UUID";
    let call = "0xc400008b 0 0 0";
    let reply = [
        "0xc4000061",
        "0",
        "0x18_0001_0000_0003",
        "0x0000_0109_0004_8003",
        "0x3333222211111111",
        "0x5555555555554444",
    ];
    assert_eq!(explained(&[&["--call", call], &reply[..]].concat()), text(expected));
}

#[test]
fn a_reply_means_what_its_call_asked() {
    let reply = |call, registers: &str| {
        let registers: Vec<&str> = registers.split_whitespace().collect();
        explained(&[&["--reply", "--call", call], &registers[..]].concat())
    };
    let features = reply("FEATURES 0xc4000066", "0x84000061 0 0x80002");
    assert!(features.contains("most pages               8 pages, 32 KiB"), "{features}");
    assert!(features.contains("minimum size, alignment  16 KiB"), "{features}");
    let retrieve = reply("FEATURES MEM_RETRIEVE_REQ_32", "0x84000061 0 2 7");
    assert!(retrieve.contains("255 before it is relinquished"), "{retrieve}");
    let pending = reply("NOTIFICATION_GET 1 0xf", "0x84000061 0 0x21 0x80000000 0 0 0 1");
    assert!(pending.contains("from SPs             0, 5, 63"), "{pending}");
    assert!(pending.contains("from the hypervisor  RX buffer full"), "{pending}");
    let retrieved = reply("MEM_RETRIEVE_REQ_32 0x40 0x40", "FFA_MEM_RETRIEVE_RESP 0x70 0x70");
    assert!(retrieved.contains("-> FFA_MEM_RETRIEVE_RESP total=112 fragment=112"), "{retrieved}");
    let logged = reply("CONSOLE_LOG_32 9", "0x84000060 0 0xfffffff9 3");
    assert!(logged.contains("characters logged  3"), "{logged}");
    let version = reply("0x84000063 0x10001", "0x10002");
    assert!(version.starts_with("1.2, as the reply to FFA_VERSION"), "{version}");
}

#[test]
fn not_supported_must_have_all_64_bits() {
    assert!(!words("--reply -1").contains("64-bit"));
    assert!(words("--reply 0xffffffff").contains("x0 must be the 64-bit -1"));
    assert!(words("--reply 0x80000000").starts_with("no reply: w0 holds no FF-A function ID"));
    let other = explained(&["--call", "FFA_ID_GET", "0x10002"]);
    assert!(other.starts_with("no reply: w0 holds no FF-A function ID"), "{other}");
}

#[test]
fn help_shows_examples_that_work() {
    let help = explained(&["--help"]);
    let examples: Vec<&str> =
        help.lines().filter_map(|line| line.strip_prefix("  ffa-harness decode ")).collect();
    assert_eq!(examples.len(), 5);
    for example in examples {
        let parts: Vec<&str> = example.split('\'').collect();
        let mut arguments = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let is_quoted = index % 2 == 1;
            arguments.extend(if is_quoted {
                vec![*part]
            } else {
                part.split_whitespace().collect()
            });
        }
        let text = explained(&arguments);
        assert!(!text.starts_with("refused"), "{example}: {text}");
    }
}

#[test]
fn wrong_usage_is_explained() {
    let cases: [(&[&str], &str); 15] = [
        (&[], "registers are missing: decode 0x84000068 0 0 0 0 1"),
        (
            &["c4000068"],
            "c4000068: no register's value: hexadecimal with 0x, decimal, or a function's",
        ),
        (&["0x84000068", "0x"], "0x: no register's value"),
        (&["0x84000068", "+1"], "+1: no register's value"),
        (&["0x10000000000000000"], "no register's value"),
        (&["-9223372036854775809"], "no register's value"),
        (&["0x84000068", "-x"], "invalid option '-x'"),
        (&["0"; 19], "19 registers: a call has x0 to x17"),
        (&["--version", "2.0", "0"], "--version 2.0: 1.0, 1.1, 1.2 or 1.3"),
        (&["--call", "", "0"], "--call: a name, an id, or registers in quotes"),
        (&["--call", "FFA_NOTHING", "0"], "FFA_NOTHING: no register's value"),
        (&["--reply"], "registers are missing"),
        (&["--quickly"], "invalid option '--quickly'"),
        (&["--all", "0x84000068"], "--all: only with --descriptor KIND"),
        (&["--hex", "00", "0x84000068"], "--file and --hex: only with --descriptor KIND"),
    ];
    for (arguments, message) in cases {
        refuses(arguments, message);
    }
}
