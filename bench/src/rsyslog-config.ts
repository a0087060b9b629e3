import { join } from 'node:path';

/** Longer than any line here; what is longer would be cut. */
const MESSAGE_BYTES_MAX = '128k';
/** With the default of 128 messages under way, RELP waits for the other side most of the time. */
const RELP_WINDOW = 10_000;
/** Messages between two writes of the queue's index, without which a killed rsyslogd forgets its queue. */
const CHECKPOINT_MESSAGES = 1000;

export interface SenderConfig {
  folder: string;
  /** Folder whose *.log files are followed. */
  watched: string;
  port: number;
}

/**
 * imfile → omrelp. The queue between them is of type Disk: like k2hft's, it holds every message in a file before
 * it is sent. It is the ruleset's own queue, so that no message waits in memory in front of it.
 */
export function senderConfig({ folder, watched, port }: SenderConfig): string {
  return `global(workDirectory="${folder}" maxMessageSize="${MESSAGE_BYTES_MAX}")
module(load="imfile" mode="inotify")
module(load="omrelp")
input(type="imfile" file="${join(watched, '*.log')}" tag="bench" ruleset="send")
ruleset(name="send"
        queue.type="Disk" queue.filename="queue" queue.maxFileSize="64m" queue.maxDiskSpace="4g"
        queue.checkpointInterval="${CHECKPOINT_MESSAGES}" queue.dequeueBatchSize="1024"
        queue.timeoutShutdown="1" queue.saveOnShutdown="off") {
  action(type="omrelp" target="127.0.0.1" port="${port}" windowSize="${RELP_WINDOW}"
         action.resumeRetryCount="-1" action.resumeInterval="1")
}
`;
}

export interface ReceiverConfig {
  folder: string;
  output: string;
  port: number;
}

/** imrelp → omfile. The sender's format puts one blank in front of a message; the output leaves it out. */
export function receiverConfig({ folder, output, port }: ReceiverConfig): string {
  return `global(workDirectory="${folder}" maxMessageSize="${MESSAGE_BYTES_MAX}")
module(load="imrelp")
template(name="bare" type="string" string="%msg:2:$%\\n")
input(type="imrelp" port="${port}" address="127.0.0.1" ruleset="store")
ruleset(name="store" queue.type="LinkedList" queue.dequeueBatchSize="1024" queue.timeoutShutdown="1") {
  action(type="omfile" file="${output}" template="bare" ioBufferSize="64k")
}
`;
}
