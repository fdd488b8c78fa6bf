//! Many connections, and how cost grows.

pub fn run() -> Result<(), String> {
    Ok(())
}
