//! All connections together: how many there may be, and which one loses its place to a new one.
//!
//! Once all places are taken, a new connection displaces one without a request in flight: first
//! those that never sent a request, then the others, longest idle first. So half-open connections,
//! however many there are, don't keep anyone out. A new connection is refused only if every place
//! is held by a request in flight.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// The order in which places are taken away: connections that never sent a request first, then by
/// age.
type Turn = (bool, u64);

#[derive(Debug, Default)]
struct Places {
    /// Number of places taken.
    taken: usize,
    /// Number of places taken, by address.
    by_address: HashMap<IpAddr, Address>,
    /// The places without a request in flight.
    idle: BTreeMap<Turn, (Option<IpAddr>, CancellationToken)>,
    /// A counter that orders places by age.
    turns: u64,
}

#[derive(Debug, Default)]
struct Address {
    taken: usize,
    idle: BTreeMap<Turn, ()>,
}

impl Places {
    fn rest(&mut self, address: Option<IpAddr>, asked: bool, displace: CancellationToken) -> Turn {
        self.turns += 1;
        let turn = (asked, self.turns);
        self.idle.insert(turn, (address, displace));
        if let Some(address) = address {
            self.by_address.entry(address).or_default().idle.insert(turn, ());
        }
        turn
    }

    fn rouse(&mut self, turn: Turn) -> Option<CancellationToken> {
        let (address, displace) = self.idle.remove(&turn)?;
        if let Some(address) = address.and_then(|address| self.by_address.get_mut(&address)) {
            address.idle.remove(&turn);
        }
        Some(displace)
    }

    /// Takes a place away; returns whether there was one. It counts as free at once, because its
    /// connection closes now.
    fn displace(&mut self, turn: Option<Turn>) -> bool {
        let Some(turn) = turn else { return false };
        let address = self.idle.get(&turn).and_then(|(address, _)| *address);
        let Some(displace) = self.rouse(turn) else { return false };
        displace.cancel();
        self.leave(address);
        true
    }

    fn leave(&mut self, address: Option<IpAddr>) {
        self.taken = self.taken.saturating_sub(1);
        let Some(address) = address else { return };
        if let Some(of) = self.by_address.get_mut(&address) {
            of.taken = of.taken.saturating_sub(1);
            if of.taken == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

/// All connections together.
#[derive(Debug, Clone)]
pub(super) struct Crowd {
    places: Arc<Mutex<Places>>,
    most: usize,
    most_of_address: usize,
}

impl Crowd {
    pub(super) fn new(most: usize, most_of_address: usize) -> Self {
        Self { places: Arc::default(), most, most_of_address }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        lock(&self.places)
    }

    /// Returns the number of open connections.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.places().taken
    }

    /// Takes a place for a new connection. Returns `None` if all are held by requests in flight.
    /// Connections without an address count towards the total but not towards an address.
    pub(super) fn enter(&self, address: Option<IpAddr>) -> Option<Place> {
        let mut places = self.places();
        let own = address.and_then(|address| places.by_address.get(&address));
        let full = own.is_some_and(|own| own.taken >= self.most_of_address);
        let oldest_own = own.and_then(|own| own.idle.keys().next().copied());
        if full && !places.displace(oldest_own) {
            return None;
        }
        let oldest = places.idle.keys().next().copied();
        if places.taken >= self.most && !places.displace(oldest) {
            return None;
        }
        places.taken += 1;
        if let Some(address) = address {
            places.by_address.entry(address).or_default().taken += 1;
        }
        let displace = CancellationToken::new();
        let turn = places.rest(address, false, displace.clone());
        drop(places);
        Some(Place { places: self.places.clone(), address, turn: Mutex::new(Some(turn)), displace })
    }

    /// Displaces a connection without a request in flight; returns whether there was one.
    pub(super) fn displace(&self) -> bool {
        let mut places = self.places();
        let oldest = places.idle.keys().next().copied();
        places.displace(oldest)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The place of a connection, held until dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Mutex<Places>>,
    address: Option<IpAddr>,
    /// Set while no request is in flight.
    turn: Mutex<Option<Turn>>,
    displace: CancellationToken,
}

impl Place {
    /// Waits until the place is given to another connection.
    pub(super) async fn displaced(&self) {
        self.displace.cancelled().await;
    }

    /// Marks that a request is in flight.
    pub(super) fn busy(&self) {
        let turn = lock(&self.turn).take();
        if let Some(turn) = turn {
            lock(&self.places).rouse(turn);
        }
    }

    /// Marks that no request is in flight.
    pub(super) fn idle(&self) {
        let mut turn = lock(&self.turn);
        if turn.is_none() && !self.displace.is_cancelled() {
            *turn = Some(lock(&self.places).rest(self.address, true, self.displace.clone()));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = lock(&self.places);
        if let Some(turn) = self.turn.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            places.rouse(turn);
        }
        // A displaced connection has already left.
        if !self.displace.is_cancelled() {
            places.leave(self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn is_displaced(place: &Place) -> bool {
        place.displace.is_cancelled()
    }

    #[test]
    fn half_open_connections_make_room_before_others_and_the_oldest_first() {
        let crowd = Crowd::new(3, 10);
        let kept = crowd.enter(address(1)).unwrap();
        kept.busy();
        kept.idle();
        let half_open = [crowd.enter(address(2)).unwrap(), crowd.enter(address(2)).unwrap()];
        let _one = crowd.enter(address(3)).unwrap();
        assert_eq!([&half_open[0], &half_open[1], &kept].map(is_displaced), [true, false, false]);
        let _two = crowd.enter(address(3)).unwrap();
        assert_eq!([&half_open[0], &half_open[1], &kept].map(is_displaced), [true, true, false]);
        assert_eq!(crowd.len(), 3);
    }

    #[test]
    fn what_is_being_answered_keeps_its_place() {
        let crowd = Crowd::new(2, 10);
        let busy = [crowd.enter(address(1)).unwrap(), crowd.enter(address(2)).unwrap()];
        busy.iter().for_each(Place::busy);
        assert!(crowd.enter(address(3)).is_none());
        assert!(!crowd.displace());
        busy[0].idle();
        assert!(crowd.enter(address(3)).is_some());
        assert!(is_displaced(&busy[0]) && !is_displaced(&busy[1]));
    }

    #[test]
    fn one_address_takes_no_place_of_another() {
        let crowd = Crowd::new(100, 2);
        let other = crowd.enter(address(9)).unwrap();
        let mine: Vec<Place> = (0..2).map(|_| crowd.enter(address(1)).unwrap()).collect();
        let _third = crowd.enter(address(1)).unwrap();
        assert_eq!((is_displaced(&mine[0]), is_displaced(&mine[1]), is_displaced(&other)), (true, false, false));
        // A proxy connects on behalf of many clients.
        let proxied: Vec<Place> = (0..50).map(|_| crowd.enter(None).unwrap()).collect();
        assert!(!proxied.iter().any(is_displaced));
    }

    #[test]
    fn places_are_given_back_once() {
        let crowd = Crowd::new(2, 2);
        let (one, two) = (crowd.enter(address(1)).unwrap(), crowd.enter(address(1)).unwrap());
        let three = crowd.enter(address(1)).unwrap();
        assert!(is_displaced(&one));
        one.busy();
        one.idle();
        drop(one);
        assert_eq!(crowd.len(), 2);
        drop((two, three));
        assert_eq!(crowd.len(), 0);
        let places = crowd.places();
        assert!(places.by_address.is_empty() && places.idle.is_empty());
    }
}
