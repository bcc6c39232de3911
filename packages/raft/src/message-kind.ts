import { appendThread, applyThread, type MessageType } from './message.ts';

const localTypes: ReadonlySet<MessageType> = new Set([
  'MsgHup',
  'MsgBeat',
  'MsgUnreachable',
  'MsgSnapStatus',
  'MsgCheckQuorum',
  'MsgStorageAppend',
  'MsgStorageAppendResp',
  'MsgStorageApply',
  'MsgStorageApplyResp',
]);

const responseTypes: ReadonlySet<MessageType> = new Set([
  'MsgAppResp',
  'MsgVoteResp',
  'MsgPreVoteResp',
  'MsgHeartbeatResp',
  'MsgReadIndexResp',
]);

/** Whether messages of this type never travel between peers. */
export function isLocalType(type: MessageType): boolean {
  return localTypes.has(type);
}

/** Whether messages of this type answer a peer's request. */
export function isResponseType(type: MessageType): boolean {
  return responseTypes.has(type);
}

/** Whether `id` is one of a node's own storage threads. */
export function isStorageThread(id: number): boolean {
  return id === appendThread || id === applyThread;
}
