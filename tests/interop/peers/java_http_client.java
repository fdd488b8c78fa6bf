// Java's own client, java.net.http. It knows no compression.

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

class Task implements WebSocket.Listener {
    record Message(boolean isText, boolean waits, List<byte[]> fragments) {}

    final boolean drives;
    final List<Message> script;
    final MessageDigest digest = MessageDigest.getInstance("SHA-256");
    final CompletableFuture<Void> closed = new CompletableFuture<>();
    // What came of the message in progress.
    final StringBuilder text = new StringBuilder();
    byte[] data = {};
    int received;
    int sent;

    // {server|client} {drive|echo} SCRIPT DEFLATE [URL]
    public static void main(String[] args) throws Exception {
        var task = new Task(args[1].equals("drive"), Path.of(args[2]));
        HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI.create(args[4]), task).join();
        task.closed.join();
        System.out.println(task.received + " " + HexFormat.of().formatHex(task.digest.digest()));
        System.exit(0);
    }

    Task(boolean drives, Path script) throws Exception {
        this.drives = drives;
        this.script = parse(ByteBuffer.wrap(Files.readAllBytes(script)));
    }

    static List<Message> parse(ByteBuffer in) {
        var messages = new ArrayList<Message>();
        in.getLong(); // the seed
        while (in.hasRemaining()) {
            int flags = in.get();
            var fragments = new ArrayList<byte[]>();
            for (int count = in.getShort(); count > 0; count--) fragments.add(new byte[in.getInt()]);
            fragments.forEach(in::get);
            messages.add(new Message((flags & 1) != 0, (flags & 2) != 0, fragments));
        }
        return messages;
    }

    @Override
    public void onOpen(WebSocket ws) {
        drive(ws);
        ws.request(1);
    }

    @Override
    public CompletionStage<?> onText(WebSocket ws, CharSequence part, boolean last) {
        text.append(part);
        if (last) {
            note(ws, true, text.toString().getBytes(StandardCharsets.UTF_8));
            text.setLength(0);
        }
        ws.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket ws, ByteBuffer part, boolean last) {
        data = java.util.Arrays.copyOf(data, data.length + part.remaining());
        int len = part.remaining();
        part.get(data, data.length - len, len);
        if (last) {
            var whole = data;
            data = new byte[0];
            note(ws, false, whole);
        }
        ws.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket ws, int code, String reason) {
        closed.complete(null);
        return null;
    }

    @Override
    public void onError(WebSocket ws, Throwable error) {
        closed.completeExceptionally(error);
    }

    void note(WebSocket ws, boolean isText, byte[] payload) {
        digest.update((byte) (isText ? 'T' : 'B'));
        digest.update(ByteBuffer.allocate(4).putInt(payload.length).array());
        digest.update(payload);
        received += 1;
        if (drives) {
            drive(ws);
        } else {
            send(ws, isText, cut(payload));
        }
    }

    // The payload of the message that came last, cut as the script says if it is as long.
    List<byte[]> cut(byte[] payload) {
        var in = ByteBuffer.wrap(payload);
        var parts = new ArrayList<byte[]>();
        for (var fragment : script.get(received - 1).fragments()) {
            var part = new byte[Math.min(fragment.length, in.remaining())];
            in.get(part);
            parts.add(part);
        }
        return in.hasRemaining() ? List.of(payload) : parts;
    }

    // Sends what may be sent by now of the script, and closes when all of it is back.
    void drive(WebSocket ws) {
        if (!drives) return;
        while (sent < script.size()) {
            if (sent > 0 && script.get(sent - 1).waits() && received < sent) return;
            var message = script.get(sent++);
            send(ws, message.isText(), message.fragments());
        }
        if (received == sent) ws.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
    }

    void send(WebSocket ws, boolean isText, List<byte[]> fragments) {
        if (!isText) {
            for (int i = 0; i < fragments.size(); i++) {
                ws.sendBinary(ByteBuffer.wrap(fragments.get(i)), i + 1 == fragments.size()).join();
            }
            return;
        }
        // Its text is to be cut between code points.
        var bytes = new java.io.ByteArrayOutputStream();
        fragments.forEach(bytes::writeBytes);
        var whole = bytes.toString(StandardCharsets.UTF_8);
        int parts = fragments.size(), start = 0;
        for (int i = 1; i <= parts; i++) {
            int end = i == parts ? whole.length() : whole.length() * i / parts;
            if (end > start && end < whole.length() && Character.isLowSurrogate(whole.charAt(end))) end -= 1;
            ws.sendText(whole.substring(start, end), i == parts).join();
            start = end;
        }
    }
}
