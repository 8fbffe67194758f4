use core::cell::RefCell;

use super::*;

/// Answers calls with what is next in the list, and keeps them.
struct Script {
    replies: RefCell<std::collections::VecDeque<(i64, Domctl)>>,
    calls: RefCell<Vec<Domctl>>,
}

impl Hypervisor for Script {
    fn domctl(&self, call: &mut Domctl) -> i64 {
        self.calls.borrow_mut().push(call.clone());
        let (result, reply) = self.replies.borrow_mut().pop_front().expect("an unexpected call");
        *call = reply;
        result
    }
    fn sysctl(&self, call: &mut Sysctl) -> i64 {
        assert_eq!(call.command, 3);
        for (index, word) in (0u32..).zip(&mut call.payload) {
            *word = index;
        }
        0
    }
}

fn toolstack(replies: &[(i64, Domctl)]) -> Toolstack<Script> {
    let replies = RefCell::new(replies.iter().cloned().collect());
    Toolstack(Script { replies, calls: RefCell::default() })
}

fn results(results: &[i64]) -> Toolstack<Script> {
    let reply = Domctl::new(0, 0, [0; 32]);
    toolstack(&results.iter().map(|&result| (result, reply.clone())).collect::<Vec<_>>())
}

fn info(domain: u16, flags: u32) -> Domctl {
    let mut payload = [0; 32];
    payload[..4].copy_from_slice(&[domain.into(), flags, 0x4000, 1]);
    Domctl::new(Domctl::INFO, domain, payload)
}

/// At the offsets that a C compiler finds in Xen's headers.
#[test]
fn a_domain_to_create_is_laid_out_as_in_the_header() {
    let toolstack = results(&[0]);
    let domain = NewDomain { max_vcpus: 4, grant_version: 2, cpu_pool: 7, tee: Tee::Ffa };
    assert_eq!(toolstack.create(100, domain), Ok(()));
    let call = toolstack.0.calls.borrow()[0].clone();
    assert_eq!((call.command, call.domain), (1, 100));
    let mut expected = [0; 32];
    for (offset, word) in [
        (20, 3),
        (28, 4),
        (32, u32::MAX),
        (36, u32::MAX),
        (40, u32::MAX),
        (44, 2),
        (52, 7),
        (56, 2 << 16),
    ] {
        expected[offset / 4] = word;
    }
    assert_eq!(call.payload, expected);
}

#[test]
fn domains_are_told_by_their_flags() {
    let toolstack = toolstack(&[
        (0, info(2, 0x12)),
        (0, info(5, 0x0003_0006)),
        (0, info(6, 0x07)),
        (-3, info(0, 0)),
        (-1, info(0, 0)),
    ]);
    let next = || toolstack.domain_from(1);
    let running = next().unwrap().unwrap();
    assert_eq!((running.id, running.pages), (2, 0x1_0000_4000));
    assert_eq!((running.is_dying(), running.shutdown()), (false, None));
    let crashed = next().unwrap().unwrap();
    assert_eq!((crashed.is_dying(), crashed.shutdown()), (false, Some(Shutdown(3))));
    let dying = next().unwrap().unwrap();
    assert_eq!((dying.is_dying(), dying.shutdown()), (true, Some(Shutdown::POWER_OFF)));
    assert_eq!(next(), Ok(None));
    assert_eq!(next(), Err(Error(-1)));
}

#[test]
fn destroying_goes_on_until_it_is_done() {
    assert_eq!(results(&[-11, -85, 0]).destroy(3), Ok(3));
    assert_eq!(results(&[-11, -3]).destroy(3), Err(Error::NOT_FOUND));
    let never = results(&[-85; DESTROY_CALLS as usize]);
    assert_eq!(never.destroy(3), Err(Error::RESTART));
}

#[test]
fn free_pages_are_at_offset_48() {
    assert_eq!(results(&[]).free_pages(), Ok(13 << 32 | 12));
}
