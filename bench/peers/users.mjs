/** A user's id as back ends give: 24 characters, of which the load program writes the last nine. */
export const userName = (number) => USER_HEAD + String(number).padStart(9, "0");
export const USER_HEAD = "user-0000000000";
