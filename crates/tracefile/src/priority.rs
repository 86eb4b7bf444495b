//! Work that can wait gives way to requests.

/// Lowers the priority of the calling thread (on Linux; elsewhere it would be the whole process, and nothing is done).
pub(crate) fn lower() {
    /// A third of the way from normal to lowest: about a tenth of a contended core.
    const NICENESS: i32 = 10;
    #[cfg(target_os = "linux")]
    // Without it the work is done all the same.
    let _ = rustix::process::setpriority_process(None, NICENESS);
}
