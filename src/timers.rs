//! Keepalive, idle and closing timers, from what has happened and the time that the caller tells. There is no clock.

use core::num::NonZeroU32;
use core::time::Duration;

use crate::config::Config;
use crate::error::Timeout;

/// The timers of a connection.
#[derive(Debug)]
pub(crate) struct Timers {
    /// Interval and timeout.
    keepalive: Option<(Span, Span)>,
    idle_timeout: Option<Span>,
    /// `None`: nothing is waited for.
    closing_timeout: Option<Span>,
    clock: Clock,
}

/// What the time is measured for.
#[derive(Clone, Copy, Debug)]
enum Clock {
    /// Not told the time since a byte came.
    Stopped,
    /// `life`: when a byte was last known to have come; `asked`: since when the keepalive waits.
    Open { life: Time, keepalive: Keepalive },
    /// Since the closing handshake began.
    Closing(Time),
}

#[derive(Clone, Copy, Debug)]
enum Keepalive {
    /// A Ping is due an interval after this.
    Quiet(Time),
    /// A Ping was sent at this time, and nothing came since.
    Asked(Time),
}

/// What the time asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// Nothing before this time.
    None(Option<Duration>),
    /// Send a Ping, and tell [`Timers::ping_sent`] or [`Timers::ping_postponed`].
    Ping,
    /// Too long.
    TimedOut(Timeout),
}

/// How the connection stands as far as time is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// Whether the closing handshake has begun, or the connection failed.
    pub(crate) closing: bool,
    /// Whether the output is above the high-water mark.
    pub(crate) congested: bool,
}

impl Timers {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            keepalive: config
                .keepalive
                .and_then(|it| Some((Span::new(it.interval)?, Span::new(it.timeout)?))),
            idle_timeout: config.idle_timeout.and_then(Span::new),
            closing_timeout: Span::new(config.closing_timeout),
            clock: Clock::Stopped,
        }
    }

    /// Tells whether anything is timed before the closing handshake.
    pub(crate) const fn run_while_open(&self) -> bool {
        self.keepalive.is_some() || self.idle_timeout.is_some()
    }

    /// Bytes came, at a time that the next poll will tell.
    pub(crate) fn received(&mut self) {
        if let Clock::Open { .. } = self.clock {
            self.clock = Clock::Stopped;
        }
    }

    pub(crate) fn ping_sent(&mut self, now: Duration) {
        if let Clock::Open { keepalive, .. } = &mut self.clock {
            *keepalive = Keepalive::Asked(Time::new(now));
        }
    }

    /// No Ping could be sent: try again after another interval.
    pub(crate) fn ping_postponed(&mut self, now: Duration) {
        if let Clock::Open { keepalive, .. } = &mut self.clock {
            *keepalive = Keepalive::Quiet(Time::new(now));
        }
    }

    pub(crate) fn poll(&mut self, now: Duration, circumstances: Circumstances) -> Alarm {
        let now = Time::new(now);
        if circumstances.closing {
            let since = match self.clock {
                Clock::Closing(since) => since,
                Clock::Stopped | Clock::Open { .. } => now,
            };
            self.clock = Clock::Closing(since);
            let timed_out = Alarm::TimedOut(Timeout::Closing);
            return self
                .closing_timeout
                .map_or(timed_out, |span| first([Some((since, span, timed_out))], now));
        }
        let (life, mut keepalive) = match self.clock {
            Clock::Open { life, keepalive } => (life, keepalive),
            Clock::Stopped | Clock::Closing(_) => (now, Keepalive::Quiet(now)),
        };
        if let Keepalive::Asked(since) = &mut keepalive {
            // Our Ping sits behind our own backlog: the peer cannot have answered it.
            if circumstances.congested {
                *since = now;
            }
        }
        self.clock = Clock::Open { life, keepalive };
        let idle = self.idle_timeout.map(|span| (life, span, Alarm::TimedOut(Timeout::Idle)));
        let keepalive = self.keepalive.map(|(interval, timeout)| match keepalive {
            Keepalive::Quiet(since) => (since, interval, Alarm::Ping),
            Keepalive::Asked(since) => (since, timeout, Alarm::TimedOut(Timeout::Keepalive)),
        });
        first([idle, keepalive], now)
    }
}

/// Finds a timer that has run out, or when the first of them will.
fn first<const N: usize>(timers: [Option<(Time, Span, Alarm)>; N], now: Time) -> Alarm {
    let mut deadline = None;
    for (since, span, alarm) in timers.into_iter().flatten() {
        // What lies beyond the time line never comes; not at its end either, where it would come again and again.
        let Some(end) = since.after(span) else {
            continue;
        };
        if end <= now {
            return alarm;
        }
        deadline = Some(deadline.map_or(end, |other: Time| other.min(end)));
    }
    Alarm::None(deadline.map(Time::as_duration))
}

/// A point on the caller's time line, which reaches for 544 years: seconds, and in the lowest 30 bits nanoseconds. A
/// microcontroller does not divide 64 bits, as a count of nanoseconds would ask of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Time(u64);

impl Time {
    const LAST_SECOND: u64 = u64::MAX >> 30;

    /// What lies beyond the end is taken for the end.
    fn new(time: Duration) -> Self {
        Self::try_new(time).unwrap_or(Self(u64::MAX))
    }

    fn try_new(time: Duration) -> Option<Self> {
        let secs = Some(time.as_secs()).filter(|secs| *secs <= Self::LAST_SECOND)?;
        Some(Self(secs << 30 | u64::from(time.subsec_nanos())))
    }

    fn after(self, span: Span) -> Option<Self> {
        Self::try_new(self.as_duration().checked_add(Duration::from_millis(span.0.get().into()))?)
    }

    fn as_duration(self) -> Duration {
        let nanos = u32::try_from(self.0 & ((1 << 30) - 1)).unwrap_or(0);
        Duration::new(self.0 >> 30, nanos)
    }
}

/// A length of time: 1 millisecond to 49 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span(NonZeroU32);

impl Span {
    /// Rounds up; `None` for no time at all.
    fn new(span: Duration) -> Option<Self> {
        let millis = span.subsec_nanos().div_ceil(NANOS_PER_MILLI);
        let millis = span.as_secs().saturating_mul(1000).saturating_add(millis.into());
        NonZeroU32::new(u32::try_from(millis).unwrap_or(u32::MAX)).map(Self)
    }
}

const NANOS_PER_MILLI: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::{Alarm, Circumstances, Timers};
    use crate::config::Config;
    use crate::error::Timeout;

    const OPEN: Circumstances = Circumstances { closing: false, congested: false };
    const CONGESTED: Circumstances = Circumstances { closing: false, congested: true };
    const CLOSING: Circumstances = Circumstances { closing: true, congested: false };

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn wait(until: u64) -> Alarm {
        Alarm::None(Some(secs(until)))
    }

    #[test]
    fn without_timers_there_is_no_deadline() {
        let mut timers = Timers::new(&Config::default());
        assert_eq!(timers.poll(secs(5), OPEN), Alarm::None(None));
    }

    #[test]
    fn timers_run_in_whole_milliseconds() {
        for (timeout, millis) in [
            (Duration::from_nanos(1), 1),
            (Duration::from_millis(1), 1),
            (Duration::from_nanos(1_000_001), 2),
            (Duration::from_millis(4_294_967_295), 4_294_967_295),
        ] {
            let config = Config::default().idle_timeout(timeout).unwrap().closing_timeout(timeout);
            let deadline = Alarm::None(Some(secs(5) + Duration::from_millis(millis)));
            assert_eq!(Timers::new(&config).poll(secs(5), OPEN), deadline, "{timeout:?}");
            assert_eq!(Timers::new(&config).poll(secs(5), CLOSING), deadline, "{timeout:?}");
        }
        let mut timers = Timers::new(&Config::default().closing_timeout(Duration::MAX));
        let deadline = Alarm::None(Some(Duration::from_millis(4_294_967_295)));
        assert_eq!(timers.poll(secs(0), CLOSING), deadline);
    }

    #[test]
    fn idle_runs_from_the_last_byte_known() {
        let mut timers = Timers::new(&Config::default().idle_timeout(secs(10)).unwrap());
        assert_eq!(timers.poll(secs(5), OPEN), wait(15));
        assert_eq!(timers.poll(secs(12), OPEN), wait(15));
        timers.received();
        assert_eq!(timers.poll(secs(14), OPEN), wait(24));
        assert_eq!(timers.poll(secs(24), OPEN), Alarm::TimedOut(Timeout::Idle));
    }

    #[test]
    fn keepalive_asks_once_and_then_waits_for_any_byte() {
        let config = Config::default().keepalive(secs(30), secs(10)).unwrap();
        let mut timers = Timers::new(&config);
        assert_eq!(timers.poll(secs(0), OPEN), wait(30));
        assert_eq!(timers.poll(secs(30), OPEN), Alarm::Ping);
        timers.ping_sent(secs(30));
        assert_eq!(timers.poll(secs(30), OPEN), wait(40));
        timers.received();
        assert_eq!(timers.poll(secs(39), OPEN), wait(69));
        assert_eq!(timers.poll(secs(69), OPEN), Alarm::Ping);
        timers.ping_sent(secs(69));
        assert_eq!(timers.poll(secs(79), OPEN), Alarm::TimedOut(Timeout::Keepalive));
    }

    #[test]
    fn keepalive_waits_for_our_own_backlog() {
        let config = Config::default().keepalive(secs(30), secs(10)).unwrap();
        let mut timers = Timers::new(&config);
        assert_eq!(timers.poll(secs(0), OPEN), wait(30));
        assert_eq!(timers.poll(secs(30), CONGESTED), Alarm::Ping);
        timers.ping_postponed(secs(30));
        assert_eq!(timers.poll(secs(30), CONGESTED), wait(60));
        assert_eq!(timers.poll(secs(60), OPEN), Alarm::Ping);
        timers.ping_sent(secs(60));
        assert_eq!(timers.poll(secs(69), CONGESTED), wait(79));
        assert_eq!(timers.poll(secs(78), CONGESTED), wait(88));
        assert_eq!(timers.poll(secs(88), OPEN), Alarm::TimedOut(Timeout::Keepalive));
    }

    #[test]
    fn closing_stops_the_other_timers_and_runs_once() {
        let config = Config::default().idle_timeout(secs(5)).unwrap().closing_timeout(secs(10));
        let mut timers = Timers::new(&config);
        assert_eq!(timers.poll(secs(1), OPEN), wait(6));
        assert_eq!(timers.poll(secs(4), CLOSING), wait(14));
        timers.received();
        assert_eq!(timers.poll(secs(13), CLOSING), wait(14));
        assert_eq!(timers.poll(secs(14), CLOSING), Alarm::TimedOut(Timeout::Closing));
    }

    #[test]
    fn time_that_goes_back_or_to_the_end_does_no_harm() {
        let mut timers = Timers::new(&Config::default().idle_timeout(secs(10)).unwrap());
        assert_eq!(timers.poll(secs(5), OPEN), wait(15));
        assert_eq!(timers.poll(secs(3), OPEN), wait(15));
        assert_eq!(timers.poll(Duration::MAX, OPEN), Alarm::TimedOut(Timeout::Idle));
        timers.received();
        assert_eq!(timers.poll(Duration::MAX, OPEN), Alarm::None(None));
    }
}
