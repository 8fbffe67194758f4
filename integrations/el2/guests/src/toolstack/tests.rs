use core::cell::RefCell;

use super::*;

/// Answers calls with what is next in the list, and keeps them.
struct Script {
    replies: RefCell<std::collections::VecDeque<(i64, Domctl)>>,
    calls: RefCell<Vec<Domctl>>,
    /// Frames that were written to, and how much.
    pages: RefCell<Vec<(u64, usize)>>,
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
    fn populate(&self, domain: u16, frames: &[u64], order: u32) -> i64 {
        assert_eq!((domain, frames, order), (100, &[0x40000, 0x40200][..], 9));
        frames.len().try_into().unwrap()
    }
    fn write_page(&self, domain: u16, frame: u64, bytes: &[u8]) -> i64 {
        assert_eq!(domain, 100);
        self.pages.borrow_mut().push((frame, bytes.len()));
        0
    }
    fn set_vcpu(&self, domain: u16, context: &Context) -> i64 {
        assert_eq!((domain, context), (100, &Context::new(0x4000_1000, 0x4000_0000)));
        0
    }
}

fn toolstack(replies: &[(i64, Domctl)]) -> Toolstack<Script> {
    let replies = RefCell::new(replies.iter().cloned().collect());
    Toolstack(Script { replies, calls: RefCell::default(), pages: RefCell::default() })
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

#[test]
fn a_domain_is_complete_before_it_runs() {
    let toolstack = results(&[0; 6]);
    assert_eq!(toolstack.start(100, NewDomain::new(Tee::None), &[7; 2 * PAGE + 1]), Ok(()));
    let calls = toolstack.0.calls.borrow();
    let calls: Vec<_> = calls.iter().map(|call| (call.command, call.payload[0])).collect();
    assert_eq!(calls, [(1, 0), (15, 1), (35, 64), (11, 4096), (86, 1 << 20), (4, 0)]);
    let pages = toolstack.0.pages.borrow().clone();
    assert_eq!(pages, [(0x40000, PAGE), (0x40001, PAGE), (0x40002, 1)]);
}

#[test]
fn a_start_ends_with_the_first_error() {
    let toolstack = results(&[0, 0, -22]);
    let result = toolstack.start(100, NewDomain::new(Tee::Ffa), &[7]);
    assert_eq!(result, Err(Error::INVALID));
    assert!(toolstack.0.pages.borrow().is_empty());
}

/// At the offsets that a C compiler finds in Xen's headers.
#[test]
fn a_context_is_laid_out_as_in_the_header() {
    let context = Context::new(0x4000_1000, 0x4000_0000);
    assert_eq!(size_of_val(&context), 352);
    for (offset, expected) in
        [(0, 1), (8, 0x4000_0000), (256, 0x4000_1000), (264, 0x1C5), (320, 0x00C5_0078)]
    {
        assert_eq!(context.words[offset / 8], expected, "{offset}");
    }
    assert_eq!(context.words.iter().filter(|word| **word != 0).count(), 5);
}
