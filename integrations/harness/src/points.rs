//! The points at which the mediator calls its host, and what can be made to happen there.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use crate::journal::lock;

/// Where the mediator calls out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    /// [`Host::map_buffer`](ffa_core::Host::map_buffer)
    MapBuffer,
    /// [`Host::spmc_call`](ffa_core::Host::spmc_call)
    SpmcCall,
    /// [`Host::spmc_buffers`](ffa_core::Host::spmc_buffers)
    SpmcBuffers,
    /// [`Buffer::read`](ffa_core::Buffer::read)
    Read,
    /// [`Buffer::write`](ffa_core::Buffer::write)
    Write,
    /// The drop of a buffer, which cannot fail.
    Unpin,
    /// [`Host::inject`](ffa_core::Host::inject)
    Inject,
}

/// Every [`Point`].
pub const POINTS: [Point; 7] = [
    Point::MapBuffer,
    Point::SpmcCall,
    Point::SpmcBuffers,
    Point::Read,
    Point::Write,
    Point::Unpin,
    Point::Inject,
];

/// How a call to the host was made to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Injected;

/// At most one thing that waits to happen at one point.
#[derive(Default)]
pub struct Points {
    /// Spares the lock where nothing waits.
    is_armed: AtomicBool,
    armed: Mutex<Option<Armed>>,
}

struct Armed {
    point: Point,
    passes: usize,
    action: Action,
}

enum Action {
    Fail,
    Pause(Halt),
}

/// The halting thread's end of a [`Pause`].
struct Halt {
    reached: Sender<()>,
    resume: Receiver<()>,
}

/// A thread that stops at a point until it is told to go on. Dropping it lets the thread go on.
pub struct Pause {
    reached: Receiver<()>,
    /// Dropped to resume.
    _resume: Sender<()>,
}

impl Points {
    /// Makes the host fail at `point`, once, after it was passed `passes` times.
    pub fn fail(&self, point: Point, passes: usize) {
        self.arm(Armed { point, passes, action: Action::Fail });
    }

    /// Makes a thread stop at `point`, once, after it was passed `passes` times.
    #[must_use]
    pub fn pause(&self, point: Point, passes: usize) -> Pause {
        let (reached, is_reached) = mpsc::channel();
        let (go_on, resume) = mpsc::channel();
        self.arm(Armed { point, passes, action: Action::Pause(Halt { reached, resume }) });
        Pause { reached: is_reached, _resume: go_on }
    }

    /// Disarms, and says whether what was armed had not happened.
    pub fn disarm(&self) -> bool {
        self.is_armed.store(false, Relaxed);
        lock(&self.armed).take().is_some()
    }

    fn arm(&self, armed: Armed) {
        *lock(&self.armed) = Some(armed);
        self.is_armed.store(true, Relaxed);
    }

    pub(crate) fn reach(&self, point: Point) -> Result<(), Injected> {
        if !self.is_armed.load(Relaxed) {
            return Ok(());
        }
        match self.due(point) {
            None => Ok(()),
            Some(Action::Fail) => Err(Injected),
            Some(Action::Pause(halt)) => {
                halt.wait();
                Ok(())
            }
        }
    }

    fn due(&self, point: Point) -> Option<Action> {
        let mut armed = lock(&self.armed);
        let waiting = armed.as_mut().filter(|armed| armed.point == point)?;
        if waiting.passes > 0 {
            waiting.passes -= 1;
            return None;
        }
        armed.take().map(|armed| armed.action)
    }
}

impl Halt {
    /// Errors mean that nobody waits for us any more.
    fn wait(&self) {
        if self.reached.send(()).is_ok() {
            let _resumed = self.resume.recv();
        }
    }
}

impl Pause {
    /// Whether a thread has stopped at the point within `patience`.
    #[must_use]
    pub fn is_reached(&self, patience: Duration) -> bool {
        self.reached.recv_timeout(patience).is_ok()
    }
}
