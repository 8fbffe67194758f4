//! Commands as words, and back.

use fastrand::Rng;
use ffa_abi::{EndpointId, Notifications, Status};
use ffa_spmc_model::{Answer, Command, Delay, Misbehaviour, Reluctance, VmEvent};

fn every_kind() -> Vec<Command> {
    let vm = EndpointId(0x7fff);
    let notifications = Notifications(0x8000_0000_0000_0001);
    let mut commands = vec![
        Command::Yield { times: Reluctance::FOREVER },
        Command::Interrupt { times: 1 },
        Command::Unbind { sender: vm, notifications },
        Command::TakeNotifications,
        Command::ReadMessage,
    ];
    commands.extend(Misbehaviour::ALL.map(Command::Misbehave));
    for status in [Status::RETRY, Status(7), Status(0)] {
        commands.push(Command::Fail { status });
    }
    for flag in [false, true] {
        let vcpu = flag.then_some(0xffff);
        commands.push(Command::Notify {
            receiver: vm,
            vcpu,
            delays_interrupt: !flag,
            notifications,
        });
        commands.push(Command::Bind { sender: vm, per_vcpu: flag, notifications });
        let send = Command::SendMessage {
            receiver: vm,
            delays_interrupt: flag,
            size: u32::MAX,
            first: 255,
        };
        commands.push(send);
    }
    for event in [VmEvent::Created, VmEvent::Destroyed] {
        for how in [Delay::Answer(Status::INTERRUPTED), Delay::Interrupt, Delay::Yield] {
            commands.push(Command::Delay { event, reluctance: Reluctance::new(how, 3) });
        }
    }
    commands
}

#[test]
fn each_command_comes_back_from_its_words_and_no_two_have_the_same() {
    let commands = every_kind();
    for (index, command) in commands.iter().enumerate() {
        let words = command.encode();
        assert_eq!(Command::decode(words), Some(*command), "{words:x?}");
        assert!(commands.iter().skip(index + 1).all(|other| other.encode() != words));
    }
}

/// What guests and the monitor of an older build agree on must not move.
#[test]
fn the_words_are_these() {
    let notifications = Notifications(0x3_0000_0002);
    let receiver = EndpointId(4);
    let words = [
        (Command::Yield { times: 5 }, [0x5350_0001, 5, 0, 0, 0]),
        (
            Command::Notify { receiver, vcpu: Some(7), delays_interrupt: true, notifications },
            [0x5350_0303, 0x7_0004, 2, 3, 0],
        ),
        (
            Command::SendMessage { receiver, delays_interrupt: false, size: 9, first: 8 },
            [0x5350_0007, 4, 9, 8, 0],
        ),
        (Command::Misbehave(Misbehaviour::OtherWidth), [0x5350_030b, 0, 0, 0, 0]),
    ];
    words.iter().for_each(|(command, words)| assert_eq!(command.encode(), *words));
}

/// Whatever is taken for a command has nothing beside it, so that an answer can name it.
#[test]
fn words_that_are_a_command_are_all_of_it() {
    let mut rng = Rng::with_seed(1);
    let mut taken = 0;
    for command in every_kind().iter().cycle().take(100_000) {
        let mut words = command.encode();
        words[rng.usize(0..5)] ^= 1 << rng.u8(0..32);
        if let Some(other) = Command::decode(words) {
            assert_eq!(other.encode(), words);
            taken += 1;
        }
    }
    assert!((1..100_000).contains(&taken), "{taken}");
}

#[test]
fn an_answer_is_one_to_its_own_command() {
    let words = Command::ReadMessage.encode();
    let answer = [words[0], Status::NO_DATA.bits(), 1, 2, 3];
    let expected = Answer { status: Err(Status::NO_DATA), results: [1, 2, 3] };
    assert_eq!(Answer::decode(&Command::ReadMessage, answer), Some(expected));
    assert_eq!(Answer::decode(&Command::TakeNotifications, answer), None);
}
