<?php

// While users move from one cluster to another: callBoth has the parameters and the answer of callCenter.
declare(strict_types=1);

require_once __DIR__ . '/websocket-center.php';

/**
 * Calls a center of each cluster, and gives one answer with the nodes of both. A back end that adds up what the nodes
 * of one cluster answered adds up both.
 *
 * @return array event => node id => value. A cluster that cannot be reached is in the error log, and has no nodes.
 */
function callBoth(array $centers, array $events): array
{
    $both = array_fill_keys(array_keys($events), []);
    foreach ($centers as $center) {
        try {
            foreach (callCenter($center, $events) as $event => $places) {
                $both[$event] += $places;
            }
        } catch (RuntimeException $error) {
            error_log($error->getMessage());
        }
    }
    return $both;
}

if (realpath($argv[0]) === __FILE__) {
    $centers = explode(',', getenv('CENTER_URLS') ?: 'http://127.0.0.1:8011,http://127.0.0.1:8111');
    $data = callBoth($centers, [
        'sendMessageToId' => ['id' => $argv[1], 'msg' => $argv[2]],
        'getBind_IdsById' => ['id' => $argv[1]],
    ]);
    echo 'queued: ', array_sum(valuesOf($data['sendMessageToId'])), "\n";
    echo 'connections: ', count(array_merge(...array_values(valuesOf($data['getBind_IdsById'])))), "\n";
}
