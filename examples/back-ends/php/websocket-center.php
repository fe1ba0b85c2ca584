<?php

declare(strict_types=1);

/**
 * Calls a center with a JSON body: ['bindId' => ['id' => 'ada', '_id' => $connectionId], ...]. Several events are one
 * round trip: every node runs them in this order.
 *
 * @return array the answer's `data`: event => node id => value. What failed at one node is in the error log.
 * @throws RuntimeException where no center could be reached, or the whole call failed.
 */
function callCenter(string $center, array $events): array
{
    return dataOf(requestCenter($center, array_keys($events), 'POST', json_encode($events, JSON_THROW_ON_ERROR)));
}

/** The same with the parameters in the query string. */
function queryCenter(string $center, array $events): array
{
    return dataOf(requestCenter($center, array_keys($events), 'GET', '', $events));
}

/** The nodes that gave a value, without those that failed: node id => value. */
function valuesOf(array $places): array
{
    return array_filter($places, fn ($value) => !isFailure($value));
}

function requestCenter(string $center, array $names, string $method, string $body = '', array $query = []): array
{
    // The token may also stand in the query (token=...); as a header, it is in no log.
    $context = stream_context_create(['http' => [
        'method' => $method,
        'header' => "Content-Type: application/json\r\nAuthorization: Bearer " . getenv('TOKEN'),
        'content' => $body,
        'timeout' => 10,
        'ignore_errors' => true,
    ]]);
    $url = $center . '/?' . http_build_query(['event' => implode(',', $names), 'timeoutMs' => 2000] + $query);
    $text = @file_get_contents($url, false, $context);
    if ($text === false) {
        throw new RuntimeException("cannot reach the center $center");
    }
    return json_decode($text, true, 512, JSON_THROW_ON_ERROR | JSON_BIGINT_AS_STRING);
}

function dataOf(array $answer): array
{
    if ($answer['code'] !== 0) {
        throw new RuntimeException("the call failed: {$answer['msg']}");
    }
    foreach ($answer['data'] as $event => $places) {
        foreach (array_filter($places, isFailure(...)) as $nodeId => $failure) {
            error_log("$event at node $nodeId: {$failure['msg']}");
        }
    }
    return $answer['data'];
}

function isFailure(mixed $value): bool
{
    return is_array($value) && ($value['code'] ?? null) === 1;
}
