"""`/webhooks`: webhooks of providers."""

from fastapi import APIRouter, Request

from shared import metrics
from shared.http.openapi import refusals
from user_service.dependencies import WebhookKey, Webhooks
from user_service.webhook_signature import InvalidSignatureError, check_signature

EVENT = {
    "type": "object",
    "required": ["type", "data"],
    "properties": {"type": {"type": "string"}, "data": {"type": "object"}},
}
EVENT_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": EVENT}}}}

router = APIRouter(prefix="/webhooks", tags=["webhooks"])


@router.post(
    "/clerk",
    status_code=204,
    summary="Webhooks of Clerk, signed by Svix: user.updated and user.deleted",
    responses=refusals(400, 404, 408, 413, 429, 500, 502, 503, 504),
    openapi_extra=EVENT_BODY,
)
async def receive_clerk_webhook(request: Request, key: WebhookKey, webhooks: Webhooks) -> None:
    body = await request.body()
    with metrics.REJECTED_WEBHOOKS.count_exceptions(InvalidSignatureError):
        message_id = check_signature(key, request.headers, body)
    await webhooks.receive(message_id, body)
