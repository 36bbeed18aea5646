//! A host for native tests of an adapter's logic.
//!
//! [`FakeHost`] keeps steps as the real host does, passes requests to a function that plays the
//! platform, and can cut an operation off after any interaction, as a crash would. So a test can
//! try every cut and count what was made:
//!
//! ```ignore
//! for cut in 1.. {
//!     let (host, platform) = network();
//!     host.cut_after(cut);
//!     let survived = run(&host, || Acme::create_media_buy(ctx(), buy()));
//!     if survived.is_some() { break }
//!     run(&host, || Acme::create_media_buy(ctx(), buy())).unwrap().unwrap();
//!     assert_eq!(platform.orders(), 1);
//! }
//! ```
//!
//! It also enforces the contract: it panics where the real host would trap or refuse.
//!
//! [`samples`] has sample buys; [`exchange`](exchange::exchange) sends requests to an emulated ad
//! server.

pub mod exchange;
pub mod samples;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    panic::{self, AssertUnwindSafe},
    rc::Rc,
    time::Duration,
};

use time::{OffsetDateTime, UtcOffset};

use crate::{
    host::{
        CacheHost, Clock, Host, IncomingResponse, Method, OutgoingRequest, StepHost, StepState, Transport,
        TransportError,
    },
    types::{Description, MadeStep, RemoteObject},
};

thread_local! {
    static INSTALLED: RefCell<Option<Rc<dyn Host>>> = const { RefCell::new(None) };
}

pub(crate) fn installed() -> Rc<dyn Host> {
    match INSTALLED.with_borrow(Clone::clone) {
        Some(host) => host,
        None => panic!("outside of a component there is no host: call this within flightdeck_adapter::testing::run"),
    }
}

/// Runs one call of an adapter on a host. Returns `None` if the call was cut off.
///
/// # Panics
/// When the call panics.
pub fn run<T>(host: &Rc<FakeHost>, call: impl FnOnce() -> T) -> Option<T> {
    *host.open.borrow_mut() = None;
    *host.doubtful.borrow_mut() = None;
    host.begun.borrow_mut().clear();
    INSTALLED.set(Some(Rc::clone(host) as Rc<dyn Host>));
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    INSTALLED.set(None);
    host.until_cut.set(None);
    match result {
        Ok(value) => Some(value),
        Err(payload) if payload.is::<CutOff>() => None,
        Err(payload) => panic::resume_unwind(payload),
    }
}

struct CutOff;

/// Headers that only the host sets, whatever its configuration is.
const HOSTS_HEADERS: [&str; 4] = ["authorization", "cookie", "host", "forwarded"];

/// The function that plays the platform.
pub type Platform = dyn FnMut(&OutgoingRequest) -> Result<IncomingResponse, TransportError>;

#[derive(Debug, Clone)]
struct Noted {
    reference: String,
    /// Whether an earlier run may have made the change, and nothing has ruled that out since.
    in_doubt: bool,
    /// Whether a request of this run may have made the change.
    sent: bool,
    outcome: Option<Vec<u8>>,
}

/// A fake host; see the [module](self).
pub struct FakeHost {
    platform: RefCell<Box<Platform>>,
    journal: RefCell<BTreeMap<String, Noted>>,
    open: RefCell<Option<String>>,
    /// The open step, if it was begun in doubt and was not looked up since.
    doubtful: RefCell<Option<String>>,
    /// The names of the steps that this run has begun.
    begun: RefCell<BTreeSet<String>>,
    remote: RefCell<Vec<RemoteObject>>,
    sent: RefCell<Vec<OutgoingRequest>>,
    now: Cell<OffsetDateTime>,
    until_cut: Cell<Option<u32>>,
    /// The number of the current operation. References differ between operations.
    operation: Cell<u32>,
    /// Whether a request that got no response may still be under way.
    under_way: Cell<bool>,
    read_requests: Vec<String>,
    write_requests: Vec<String>,
    cached: RefCell<BTreeMap<String, (Vec<u8>, OffsetDateTime)>>,
}

impl FakeHost {
    /// Makes a host with a platform. The clock starts at 1 November 2026.
    #[must_use]
    pub fn new(
        platform: impl FnMut(&OutgoingRequest) -> Result<IncomingResponse, TransportError> + 'static,
    ) -> Rc<Self> {
        Self::with(Vec::new(), Vec::new(), platform)
    }

    /// Makes a host that knows an adapter's description: its `read_requests` may be sent outside of
    /// steps; its `write_requests` may not, even if they are `GET`s.
    #[must_use]
    pub fn with_description(
        description: &Description,
        platform: impl FnMut(&OutgoingRequest) -> Result<IncomingResponse, TransportError> + 'static,
    ) -> Rc<Self> {
        Self::with(description.read_requests.clone(), description.write_requests.clone(), platform)
    }

    fn with(
        read_requests: Vec<String>,
        write_requests: Vec<String>,
        platform: impl FnMut(&OutgoingRequest) -> Result<IncomingResponse, TransportError> + 'static,
    ) -> Rc<Self> {
        let now = crate::moment::parse("2026-11-01T00:00:00Z").unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Rc::new(Self {
            platform: RefCell::new(Box::new(platform)),
            journal: RefCell::default(),
            open: RefCell::default(),
            doubtful: RefCell::default(),
            begun: RefCell::default(),
            remote: RefCell::default(),
            sent: RefCell::default(),
            now: Cell::new(now.to_offset(UtcOffset::UTC)),
            until_cut: Cell::new(None),
            operation: Cell::new(1),
            under_way: Cell::new(false),
            read_requests,
            write_requests,
            cached: RefCell::default(),
        })
    }

    /// Cuts the next run off after this many interactions. The last one takes effect, but its
    /// answer is lost.
    pub fn cut_after(&self, interactions: u32) {
        self.until_cut.set(Some(interactions));
    }

    /// Sets whether a request that got no response may still be under way inside the ad server.
    /// While it may be, a call ends, as on the real host, where a step in doubt would write or
    /// report that it did not happen.
    pub fn under_way(&self, may_be: bool) {
        self.under_way.set(may_be);
    }

    /// Returns a step of this operation, as the host passes it to `find_made` later.
    ///
    /// # Panics
    /// When there was no such step.
    #[must_use]
    pub fn made_step(&self, name: &str) -> MadeStep {
        let journal = self.journal.borrow();
        let Some(noted) = journal.get(name) else { panic!("no step {name}; there are {:?}", journal.keys()) };
        MadeStep { name: name.to_owned(), reference: noted.reference.clone(), extensions: Vec::new() }
    }

    /// Sets the clock.
    pub fn set_now(&self, now: OffsetDateTime) {
        self.now.set(now);
    }

    /// Returns the objects that the adapter remembered and did not forget.
    #[must_use]
    pub fn remote(&self) -> Vec<RemoteObject> {
        self.remote.borrow().clone()
    }

    /// Returns the names of the finished steps.
    #[must_use]
    pub fn finished(&self) -> Vec<String> {
        let journal = self.journal.borrow();
        journal.iter().filter(|(_, noted)| noted.outcome.is_some()).map(|(name, _)| name.clone()).collect()
    }

    /// Returns the requests sent so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<OutgoingRequest> {
        self.sent.borrow().clone()
    }

    /// Clears the remembered objects: the next operation belongs to another buy.
    pub fn forget_all(&self) {
        self.remote.borrow_mut().clear();
    }

    /// Clears the steps: the next run is another operation.
    pub fn next_operation(&self) {
        self.journal.borrow_mut().clear();
        self.sent.borrow_mut().clear();
        self.operation.set(self.operation.get() + 1);
    }

    /// Ends the call where the real host would: the step is in doubt, and an earlier request of it
    /// may be under way.
    fn only_if_settled(&self, name: &str) {
        let in_doubt = self.doubtful.borrow().as_deref() == Some(name);
        if in_doubt && self.under_way.get() {
            panic::resume_unwind(Box::new(CutOff));
        }
    }

    fn interaction(&self) {
        match self.until_cut.get() {
            Some(left) if left <= 1 => {
                self.until_cut.set(None);
                panic::resume_unwind(Box::new(CutOff));
            }
            Some(left) => self.until_cut.set(Some(left - 1)),
            None => {}
        }
    }

    fn only_reads(&self, request: &OutgoingRequest) -> bool {
        let path = request.url.splitn(4, '/').nth(3).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        let declared = |pattern: &String| {
            let Some((method, pattern)) = pattern.split_once(' ') else { return false };
            let mut parts = pattern.trim_start_matches('/').split('/');
            method == request.method.as_str()
                && path.split('/').all(|part| parts.next().is_some_and(|wanted| wanted == "*" || wanted == part))
                && parts.next().is_none()
        };
        match request.method {
            Method::Get => !self.write_requests.iter().any(declared),
            _ => self.read_requests.iter().any(declared),
        }
    }
}

impl StepHost for FakeHost {
    fn begin(&self, name: &str) -> StepState {
        assert!(!name.is_empty() && name.len() <= 200, "a step's name has 1 to 200 bytes: {name}");
        let open = self.open.replace(Some(name.to_owned()));
        assert_eq!(open, None, "a step is open while {name} begins");
        let is_new = self.begun.borrow_mut().insert(name.to_owned());
        assert!(is_new, "{name} is begun a second time in one call: give each step a name of its own");
        let mut journal = self.journal.borrow_mut();
        let next = journal.len() + 1;
        let reference = format!("fd{}x{next:04}", self.operation.get());
        let fresh = || Noted { reference, in_doubt: false, sent: false, outcome: None };
        let noted = journal.entry(name.to_owned()).or_insert_with(fresh);
        // A run that was in doubt stays so, whatever its own requests were answered: they prove
        // nothing about those of an earlier run.
        noted.in_doubt |= std::mem::take(&mut noted.sent);
        let state = match (&noted.outcome, noted.in_doubt) {
            (Some(outcome), _) => {
                *self.open.borrow_mut() = None;
                StepState::Done(outcome.clone())
            }
            (None, true) => StepState::InDoubt(noted.reference.clone()),
            (None, false) => StepState::Fresh(noted.reference.clone()),
        };
        drop(journal);
        *self.doubtful.borrow_mut() = matches!(state, StepState::InDoubt(_)).then(|| name.to_owned());
        self.interaction();
        state
    }

    fn absent(&self, name: &str) {
        assert_eq!(self.open.borrow().as_deref(), Some(name), "{name} is looked up while it is open");
        self.only_if_settled(name);
        *self.doubtful.borrow_mut() = None;
        let mut journal = self.journal.borrow_mut();
        let noted = journal.get_mut(name).filter(|noted| noted.in_doubt);
        let noted = noted.unwrap_or_else(|| panic!("{name} was not in doubt"));
        (noted.in_doubt, noted.sent) = (false, false);
        drop(journal);
        self.interaction();
    }

    fn finish(&self, name: &str, outcome: &[u8]) {
        let open = self.open.replace(None);
        assert_eq!(open.as_deref(), Some(name), "{name} is finished");
        assert!(outcome.len() <= 64 * 1024, "the outcome of {name} is larger than 64 KiB");
        if let Some(noted) = self.journal.borrow_mut().get_mut(name) {
            noted.outcome = Some(outcome.to_vec());
        }
        self.interaction();
    }

    fn remember(&self, object: &RemoteObject) {
        let mut remote = self.remote.borrow_mut();
        remote.retain(|known| (&known.kind, &known.key) != (&object.kind, &object.key));
        remote.push(object.clone());
        drop(remote);
        self.interaction();
    }

    fn forget(&self, object: &RemoteObject) {
        self.remote.borrow_mut().retain(|known| known != object);
        self.interaction();
    }
}

impl Transport for FakeHost {
    fn send(&self, request: &OutgoingRequest) -> Result<IncomingResponse, TransportError> {
        let is_the_hosts = |name: &str| HOSTS_HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known));
        if let Some((name, _)) = request.headers.iter().find(|(name, _)| is_the_hosts(name)) {
            return Err(TransportError::Header(name.clone(), "only the host sets it".to_owned()));
        }
        if self.only_reads(request) {
            self.sent.borrow_mut().push(request.clone());
            let answer = (self.platform.borrow_mut())(request);
            self.interaction();
            return answer;
        }
        let Some(name) = self.open.borrow().clone() else {
            return Err(TransportError::Denied("a write outside of a step".to_owned()));
        };
        self.only_if_settled(&name);
        self.sent.borrow_mut().push(request.clone());
        let answer = (self.platform.borrow_mut())(request);
        let changed_nothing = match &answer {
            Ok(answer) => flightdeck_write_status::changed_nothing(answer.status),
            Err(TransportError::Denied(_) | TransportError::Header(..) | TransportError::Address(_)) => true,
            Err(TransportError::TooLarge(_) | TransportError::Lost(_)) => false,
        };
        if let Some(noted) = self.journal.borrow_mut().get_mut(&name) {
            noted.sent |= !changed_nothing;
        }
        self.interaction();
        answer
    }
}

impl CacheHost for FakeHost {
    fn cached(&self, key: &str) -> Option<Vec<u8>> {
        let cached = self.cached.borrow();
        cached.get(key).filter(|(_, until)| *until > self.now.get()).map(|(value, _)| value.clone())
    }

    fn cache(&self, key: &str, value: &[u8], seconds: u32) {
        let until = self.now.get() + Duration::from_secs(u64::from(seconds));
        self.cached.borrow_mut().insert(key.to_owned(), (value.to_vec(), until));
    }
}

impl Clock for FakeHost {
    fn now(&self) -> OffsetDateTime {
        self.now.get()
    }

    fn sleep(&self, duration: Duration) {
        self.now.set(self.now.get() + duration);
    }
}

/// Makes a response with a JSON body.
#[must_use]
pub fn answer(status: u16, body: &str) -> IncomingResponse {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    IncomingResponse { status, headers, body: body.as_bytes().to_vec() }
}

#[cfg(test)]
#[path = "testing/tests.rs"]
mod tests;
