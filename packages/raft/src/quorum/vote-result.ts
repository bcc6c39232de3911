/** Whether an election is decided: `pending` while missing votes could still win it. */
export type VoteResult = 'pending' | 'lost' | 'won';
