import type { Message, MessageType } from '../message.ts';

/** Types that every role handles alike, or that are never stepped. */
type CommonType =
  | 'MsgHup'
  | 'MsgBeat'
  | 'MsgCheckQuorum'
  | 'MsgVote'
  | 'MsgPreVote'
  | 'MsgStorageAppend'
  | 'MsgStorageAppendResp'
  | 'MsgStorageApply'
  | 'MsgStorageApplyResp';

/** A message whose handling depends on the role. */
export interface RoleMessage extends Message {
  readonly type: Exclude<MessageType, CommonType>;
}
