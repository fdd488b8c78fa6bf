//! The driver beside this over `embedded-io`, for transports that can say whether they are ready: without an executor,
//! `embassy_futures::block_on` runs it. `cargo test --manifest-path examples/embedded_io/Cargo.toml` does so; to use it,
//! copy both files.

use embassy_futures::yield_now;
use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};

/// Half of a transport; where it is not ready, others have their turn.
pub struct Ready<T>(pub T);

impl<T: ErrorType> ErrorType for Ready<T> {
    type Error = T::Error;
}

impl<T: Read + ReadReady> embedded_io_async::Read for Ready<T> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, T::Error> {
        while !self.0.read_ready()? {
            yield_now().await;
        }
        self.0.read(buf)
    }
}

impl<T: Write + WriteReady> embedded_io_async::Write for Ready<T> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, T::Error> {
        while !self.0.write_ready()? {
            yield_now().await;
        }
        self.0.write(buf)
    }

    async fn flush(&mut self) -> Result<(), T::Error> {
        self.0.flush()
    }
}
