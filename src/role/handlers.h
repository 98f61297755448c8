/* SPDX-License-Identifier: MIT */
/* handlers: the endpoints, by file; responder.c's table names them. */
#ifndef ROLE_HANDLERS_H
#define ROLE_HANDLERS_H

struct exchange;

/* handle_account.c */
void handle_sign_up(struct exchange *x);
void handle_sign_in(struct exchange *x);
void handle_change_password(struct exchange *x);
void handle_verify_password(struct exchange *x);
void handle_update_user(struct exchange *x);
void handle_delete_user(struct exchange *x);
void handle_change_email(struct exchange *x);
void handle_list_accounts(struct exchange *x);

/* handle_session.c */
void handle_get_session(struct exchange *x);
void handle_sign_out(struct exchange *x);
void handle_token(struct exchange *x);
void handle_list_sessions(struct exchange *x);
void handle_revoke_session(struct exchange *x);
void handle_revoke_sessions(struct exchange *x);
void handle_revoke_other_sessions(struct exchange *x);
void handle_update_session(struct exchange *x);

/* handle_keys.c */
void handle_jwks(struct exchange *x);

/* handle_fixed.c: endpoints whose answer never changes */
void handle_ok(struct exchange *x);
void handle_error_page(struct exchange *x);
void handle_post_get_session(struct exchange *x);
void handle_request_password_reset(struct exchange *x);
void handle_reset_password(struct exchange *x);
void handle_send_verification_email(struct exchange *x);
void handle_verify_email(struct exchange *x);
void handle_sign_in_social(struct exchange *x);
void handle_delete_user_callback(struct exchange *x);

#endif
