//! Work on several threads, without a pool.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::SearchError;
use crate::interrupt::Interrupt;

/// How many threads share work, and what may end it.
///
/// These are threads of its own and not those of a pool: while a thread of a pool waits it takes up
/// other work, and that could wait for what is being made here. Where the system has no more
/// threads, there are fewer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread<'a> {
    pub(super) threads: usize,
    pub(super) interrupt: Interrupt<'a>,
}

impl Spread<'_> {
    /// What `work` makes of each number below `count`, in order.
    ///
    /// # Errors
    /// [`SearchError::Interrupted`].
    pub(super) fn over<T: Send>(
        self,
        count: usize,
        work: impl Fn(usize) -> T + Sync,
    ) -> Result<Vec<T>, SearchError> {
        let next = AtomicUsize::new(0);
        let take = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count || self.interrupt.check().is_err() {
                    return done;
                }
                done.push((at, work(at)));
            }
        };
        let mut parts = thread::scope(|scope| {
            let others: Vec<_> = (1..self.threads.min(count))
                .map_while(|_| thread::Builder::new().spawn_scoped(scope, take).ok())
                .collect();
            let mut parts = take();
            for other in others {
                parts.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            parts
        });
        if parts.len() < count {
            return Err(SearchError::Interrupted);
        }
        parts.sort_unstable_by_key(|&(at, _)| at);
        Ok(parts.into_iter().map(|(_, made)| made).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::Spread;
    use crate::SearchError;
    use crate::interrupt::Interrupt;

    #[test]
    fn all_is_done_once_and_comes_in_order() {
        for threads in [0, 1, 3, 200] {
            for count in [0, 1, 2, 100] {
                let squares: Vec<usize> = (0..count).map(|at| at * at).collect();
                let spread = Spread { threads, interrupt: Interrupt(None) };
                assert_eq!(spread.over(count, |at| at * at), Ok(squares));
            }
        }
    }

    #[test]
    fn what_is_interrupted_is_not_taken_for_done() {
        let stop = AtomicBool::new(true);
        let spread = Spread { threads: 2, interrupt: Interrupt(Some(&stop)) };
        assert_eq!(spread.over(3, |at| at), Err(SearchError::Interrupted));
    }
}
