<?php

// Lets the connection $argv[1] in as the user ada, sends to her, asks who is online.
declare(strict_types=1);

require __DIR__ . '/websocket-center.php';

$center = getenv('CENTER_URL') ?: 'http://127.0.0.1:8011';
$connection = $argv[1] ?? throw new RuntimeException('usage: php back-end.php CONNECTION_ID');

$data = callCenter($center, [
    'bindId' => ['id' => 'ada', '_id' => $connection],
    'joinGroupById' => ['groupId' => 'room', 'id' => 'ada'],
    'sendMessageToId' => ['id' => 'ada', 'msg' => 'welcome'],
    'sendToGroup' => ['groupId' => 'room', 'msg' => ['from' => 'ada', 'text' => 'hi']],
    'broadcast' => ['msg' => 'ada is here', 'exclude_Ids' => [$connection]],
]);
echo 'bound: ', json_encode(in_array(0, valuesOf($data['bindId']), true)), "\n";
foreach (['sendMessageToId', 'sendToGroup', 'broadcast'] as $event) {
    echo 'queued: ', array_sum(valuesOf($data[$event])), "\n";
}

$data = queryCenter($center, ['isOnlineId' => ['id' => 'ada'], 'getIds' => []]);
echo 'ada is online: ', json_encode(in_array(true, valuesOf($data['isOnlineId']), true)), "\n";
echo 'users: ', implode(', ', array_unique(array_merge(...array_values(valuesOf($data['getIds']))))), "\n";
