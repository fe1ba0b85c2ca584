<?php

// Sends each line of the standard input to the user $argv[1], as one stream, and adds up what the answers say.
declare(strict_types=1);

$userId = $argv[1] ?? throw new RuntimeException('usage: php stream.php USER_ID < LINES');
$center = parse_url(getenv('CENTER_URL') ?: 'http://127.0.0.1:8011');
$stream = @stream_socket_client("tcp://{$center['host']}:{$center['port']}", $number, $problem, 10)
    ?: throw new RuntimeException("cannot reach the center: $problem");
fwrite($stream, "POST /batch HTTP/1.1\r\nHost: {$center['host']}:{$center['port']}\r\n"
    . 'Authorization: Bearer ' . getenv('TOKEN') . "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
stream_set_blocking($stream, false);

$out = '';       // what is to be written
$in = '';        // what was read of the answer, its framing included
$isWhole = false; // the body is in $out, or written
$id = 0;
// Whoever only writes is not read from any more: both go on at once.
while (!feof($stream)) {
    while (!$isWhole && strlen($out) < 65536) {
        $message = fgets(STDIN);
        $isWhole = $message === false;
        $line = $isWhole ? '' : json_encode(['id' => ++$id, 'command' => 'sendToUser', 'params' => [
            'userId' => $userId, 'message' => rtrim($message, "\n")]], JSON_THROW_ON_ERROR) . "\n";
        // A chunk is its length and itself (RFC 9112, 7.1); an empty one ends the body.
        $out .= dechex(strlen($line)) . "\r\n$line\r\n";
    }
    [$readable, $writable, $none] = [[$stream], $out === '' ? [] : [$stream], []];
    stream_select($readable, $writable, $none, 10) ?: throw new RuntimeException('the center is silent');
    if ($writable !== []) $out = substr($out, fwrite($stream, $out) ?: 0);
    if ($readable !== []) $in .= fread($stream, 65536);
}

[$head, $body] = explode("\r\n\r\n", $in, 2) + [1 => ''];
if (!str_contains(strtok($head, "\n"), ' 200 ')) throw new RuntimeException("the center answered: $body");
$text = '';
for ($at = 0; ($size = hexdec(strtok(substr($body, $at, 18), "\r"))) > 0; $at = $start + $size + 2) {
    $start = strpos($body, "\n", $at) + 1;
    $text .= substr($body, $start, $size);
}
$queued = 0;
foreach (explode("\n", trim($text)) as $line) {
    $answer = json_decode($line, true) ?? [];
    $queued += $answer['value'] ?? 0;
    if (isset($answer['error']) || isset($answer['failures'])) fwrite(STDERR, "$line\n");
}
echo "sent: $id\nqueued: $queued\n";
