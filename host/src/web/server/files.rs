//! Limits on open files, of which each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Default maximum connections. Their buffers take at most 64 KiB each.
const CONNECTIONS: usize = 10_000;

/// With fewer connections than this, the host is not usable.
const FEWEST: usize = 16;

/// Files that the host opens under any configuration: its database's files, those of the runtime,
/// components being read or compiled, webhooks being sent.
const OWN_FILES: usize = 128;

/// Why the wanted number of connections is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// More are configured than the process may have open.
    #[error(
        "`max_connections` of [server] is {wanted}, but this process may have {limit} files open and needs {others} of them for databases and \
         ad servers: raise the limit (ulimit -n, LimitNOFILE= of systemd) to {needed}, or lower `max_connections`"
    )]
    TooMany {
        /// The configured number of connections.
        wanted: usize,
        /// The process's limit of open files.
        limit: usize,
        /// Files needed besides connections.
        others: usize,
        /// The limit that would be enough.
        needed: usize,
    },
    /// The limit leaves hardly any connections.
    #[error(
        "this process may have {limit} files open and needs {others} of them for databases and ad servers: raise the limit (ulimit -n, \
         LimitNOFILE= of systemd)"
    )]
    TooFew {
        /// The process's limit of open files.
        limit: usize,
        /// Files needed besides connections.
        others: usize,
    },
}

/// Returns the maximum number of connections, given `outgoing` connections of the host's own to
/// databases and ad servers. Raises the process's limit of open files as far as possible. If
/// `wanted` is `None`, the limit determines the number.
///
/// # Errors
/// When the process may not have that many files open.
pub fn connections(wanted: Option<usize>, outgoing: usize) -> Result<usize, FilesError> {
    let limit = raised();
    let most = fitting(wanted, limit, OWN_FILES.saturating_add(outgoing))?;
    if wanted.is_none() && most < CONNECTIONS {
        tracing::warn!(
            limit,
            connections = most,
            "this process may have few files open, so that it takes fewer connections than the {CONNECTIONS} it would; see ulimit -n"
        );
    }
    Ok(most)
}

fn fitting(wanted: Option<usize>, limit: usize, others: usize) -> Result<usize, FilesError> {
    let room = limit.saturating_sub(others);
    match wanted {
        Some(wanted) if wanted > room => {
            Err(FilesError::TooMany { wanted, limit, others, needed: wanted.saturating_add(others) })
        }
        Some(wanted) => Ok(wanted),
        None if room < FEWEST => Err(FilesError::TooFew { limit, others }),
        None => Ok(room.min(CONNECTIONS)),
    }
}

/// Raises the limit of open files as far as possible and returns it.
fn raised() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: maximum, maximum };
    let limit = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => maximum,
        Err(_) => current,
    };
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_and_does_not_fit_is_refused_with_what_would_do() {
        assert_eq!(fitting(Some(800), 1_024, 200), Ok(800));
        let refused = fitting(Some(900), 1_024, 200).unwrap_err();
        assert_eq!(refused, FilesError::TooMany { wanted: 900, limit: 1_024, others: 200, needed: 1_100 });
        assert!(refused.to_string().contains("to 1100, or lower `max_connections`"), "{refused}");
    }

    #[test]
    fn without_a_wish_there_are_as_many_as_fit() {
        assert_eq!(fitting(None, 1_024, 200), Ok(824));
        assert_eq!(fitting(None, usize::MAX, 200), Ok(CONNECTIONS));
        assert_eq!(fitting(None, 210, 200), Err(FilesError::TooFew { limit: 210, others: 200 }));
    }
}
