//! Functions that statements call.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use tasker_core::payload::Payload;

/// Makes them known to a connection.
///
/// `contains(context, wanted)`: whether all that is wanted is in a context ([`Payload::contains`]).
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(c"contains", 2, flags, |arguments| {
        let payload = |at| arguments.get::<String>(at).map(Payload::from_stored);
        Ok(payload(0)?.contains(&payload(1)?))
    })
}
