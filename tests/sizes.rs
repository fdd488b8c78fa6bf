//! The sizes of the machines in bytes: what an idle connection costs beside the caller's buffers.

#[cfg(target_pointer_width = "64")]
#[test]
fn an_idle_connection_is_small_row_98() {
    assert!(size_of::<websocket_proto::Connection>() <= 384);
    #[cfg(all(feature = "alloc", not(feature = "deflate")))]
    assert!(size_of::<websocket_proto::WebSocket>() <= 440);
    #[cfg(feature = "deflate")]
    assert!(size_of::<websocket_proto::WebSocket>() <= 600);
}
