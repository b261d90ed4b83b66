/** How the gateway names itself to the service. */
export const USER_AGENT = 'account-task-gateway';
