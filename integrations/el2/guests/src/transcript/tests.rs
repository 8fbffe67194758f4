use std::cell::RefCell;

use ffa_abi::FUNCTIONS;

use super::*;

/// Answers each call by a function, and keeps the calls and the lines.
struct Model {
    answer: fn(Regs) -> Regs,
    calls: RefCell<Vec<Regs>>,
    lines: RefCell<Vec<String>>,
}

impl Model {
    fn new(answer: fn(Regs) -> Regs) -> Self {
        Self { answer, calls: RefCell::default(), lines: RefCell::default() }
    }

    fn transcript(&self, version: Version) -> Transcript<&Self, impl FnMut(&str)> {
        Transcript::new(self, version, |line: &str| self.lines.borrow_mut().push(line.to_owned()))
    }

    /// Makes calls with the arguments given.
    fn calls<const N: usize>(self, function: FunctionId, arguments: &[[u64; N]]) -> Vec<String> {
        let mut transcript = self.transcript(Version::V1_1);
        for arguments in arguments {
            transcript.call(function, *arguments);
        }
        drop(transcript);
        self.lines.into_inner()
    }

    fn lists(self, version: Version) -> Vec<String> {
        self.transcript(version).lists();
        self.lines.into_inner()
    }

    fn everything(self) -> (Vec<Regs>, Vec<String>) {
        let mut transcript = self.transcript(Version::V1_2);
        transcript.open();
        transcript.go_on();
        drop(transcript);
        (self.calls.into_inner(), self.lines.into_inner())
    }
}

impl Machine for &Model {
    fn call(&self, regs: Regs) -> Regs {
        self.calls.borrow_mut().push(regs);
        (self.answer)(regs)
    }
    fn tx(&self) -> u64 {
        0x4021_0000
    }
    fn rx(&self) -> u64 {
        0x4021_1000
    }
    fn read_rx(&self, into: &mut [u8]) {
        into.iter_mut().zip((0..=u8::MAX).cycle()).for_each(|(byte, value)| *byte = value);
    }
}

fn not_supported(mut regs: Regs) -> Regs {
    regs.set(0, FunctionId::ERROR_32.bits());
    regs.set(2, 0xFFFF_FFFF_u64);
    regs
}

/// Two partitions, whatever was asked for.
fn two_listed(call: Regs) -> Regs {
    if call.w(0) == FunctionId::PARTITION_INFO_GET_REGS.bits() {
        return registers(0xC400_0061, [0, 0x0018_0007_0001_0001, 0xA, 0xB]);
    }
    registers(0x8400_0061, [0, 2, 24])
}

#[test]
fn registers_that_say_nothing_are_left_out() {
    let model = Model::new(|mut call| {
        call.set(0, 0x1_0002_u64);
        call
    });
    let lines = model.calls(FunctionId::VERSION, &[[0x1_0001, 0, 3, 0]]);
    assert_eq!(lines, ["T 84000063 10001 0 3 -> 10002"]);
}

#[test]
fn zeroes_are_printed_where_the_call_had_something_else() {
    let model = Model::new(|_| registers(0x8400_0061, []));
    let lines = model.calls(FunctionId::RX_RELEASE, &[[5], [0]]);
    assert_eq!(lines, ["T 84000065 5 -> 84000061 0", "T 84000065 -> 84000061"]);
}

#[test]
fn tags_are_printed_by_what_they_are() {
    let walk = [0, 7, 8, 9].map(|tag| [0, 0, tag << 16 | 1]);
    let lines = Model::new(two_listed).calls(FunctionId::PARTITION_INFO_GET_REGS, &walk);
    let reply = "c4000061 0 18.tag.00010001 a b";
    let call = |x3| format!("T c400008b 0 0 {x3} -> {reply}");
    assert_eq!(lines, [call("1"), call("tag.0001"), call("tag+1.0001"), call("90001")]);
}

#[test]
fn long_lines_go_on_in_the_next_one() {
    let model = Model::new(not_supported);
    model.transcript(Version::V1_1).call_marked(FunctionId::ID_GET, []);
    let lines = model.lines.into_inner();
    let [first, second] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(first.starts_with("T 84000069 0 0 0 0 0 0 0 8888888888888888 "), "{first}");
    assert!(second.starts_with("T+ dddddddddddddddd "), "{second}");
    assert!(second.ends_with(" 2222222222222221 -> 84000060 0 ffffffff"), "{second}");
}

#[test]
fn descriptors_are_printed_as_long_as_the_version_has_them() {
    for (version, first, second) in [
        (Version::V1_0, "0001020304050607", "08090a0b0c0d0e0f"),
        (
            Version::V1_1,
            "0001020304050607 08090a0b0c0d0e0f 1011121314151617",
            "18191a1b1c1d1e1f 2021222324252627 28292a2b2c2d2e2f",
        ),
    ] {
        let lines = Model::new(two_listed).lists(version);
        let descriptors = lines.iter().filter_map(|line| line.strip_prefix("T rx "));
        assert_eq!(descriptors.take(2).collect::<Vec<_>>(), [first, second], "{version}");
    }
}

#[test]
fn counts_print_no_descriptors() {
    let lines = Model::new(two_listed).lists(Version::V1_1);
    let is_count = |line: &String| line.starts_with("T 84000068 0 0 0 0 1 ");
    let after: Vec<_> = lines.windows(2).filter(|pair| is_count(&pair[0])).collect();
    assert!(!after.is_empty());
    assert!(after.iter().all(|pair| !pair[1].starts_with("T rx")), "{after:?}");
}

#[test]
fn every_function_is_called_and_asked_for() {
    let (calls, _) = Model::new(not_supported).everything();
    for function in FUNCTIONS {
        let id = function.id.bits();
        assert!(calls.iter().any(|call| call.w(0) == id), "{function:?} is not called");
        let asks = |call: &Regs| call.w(0) == FunctionId::FEATURES.bits() && call.w(1) == id;
        assert!(calls.iter().any(asks), "{function:?} is not asked for");
    }
}

#[test]
fn no_line_is_longer_than_consoles_take() {
    for answer in [not_supported, two_listed, |_| Regs([u64::MAX; Regs::COUNT])] {
        for line in Model::new(answer).everything().1 {
            assert!(line.starts_with("T ") || line.starts_with("T+ "), "{line}");
            assert!(line.len() <= 120, "{line}");
        }
    }
}
