#![doc = include_str!("drivers.md")]

/// Shows a file of `examples`.
macro_rules! shown {
    ($($name:ident: $file:literal, $what:literal;)+) => {
        $(
            #[doc = concat!($what, "\n\n```\n", include_str!(concat!("../../examples/", $file)), "\n```")]
            pub mod $name {}
        )+
    };
}

shown! {
    one_thread: "one_thread.rs", "A socket that blocks, and one thread.";
    blocking: "drivers/blocking.rs", "A socket that blocks, and a thread for each direction.";
    tls: "drivers/tls.rs", "`wss://`, by rustls over a socket that blocks.";
    io_uring: "drivers/io_uring.rs", "A server on Linux's io_uring.";
    tokio: "drivers/tokio.rs", "tokio.";
    chat: "drivers/chat.rs", "A chat server around the driver for tokio.";
    futures_io: "drivers/futures_io.rs", "The traits of futures.";
    hyper: "drivers/hyper.rs", "The upgrades of hyper.";
    axum: "drivers/axum.rs", "The upgrades of axum.";
    h2: "drivers/h2.rs", "WebSockets over HTTP/2, by h2.";
    embedded_io: "drivers/embedded_io.rs", "embedded-io-async, for embassy and its like.";
}
