"""The modules of the package `shared`, by folder: a closed list (test_architecture.py)."""

SHARED = {
    "shared": """
        __init__
        audit
        circuit_breaker
        clock
        errors
        ids
        infrastructure
        local_metrics
        logs
        metrics
        ports
        search
        search_upkeep
        settings
        spelling
        tracing
        text
    """,
    "shared/access": """
        __init__
        caller
        delegation
        guards
        permissions
        service_tokens
        user_directory
        verified_tokens
    """,
    "shared/cache": """
        __init__
        batches
        dependencies
        entry
        lease
        memory
        read_through
        redis
        redis_client
        store
        validation
        writes
    """,
    "shared/contracts": """
        __init__
        accounts
        albums
        songs
        users
    """,
    "shared/http/client": """
        __init__
        connection
        errors
        pool
        response
    """,
    "shared/http": """
        __init__
        audit
        body_limit
        deadline
        dependencies
        draining
        field_errors
        forms
        health
        idempotency
        idempotency_keys
        json_stream
        middleware
        openapi
        pagination
        prepared_route
        problem
        request_id
        responses
        rows
        schemas
        searching
        serve
        service_app
        service_client
        service_transport
        sorting
        surrogate
        workers
        write_batch
    """,
    "shared/media": """
        __init__
        audio_reader
        audio_track
        cleanup
        damage
        declared_length
        decoding
        errors
        formats
        images
        pcm
    """,
    "shared/providers": """
        __init__
        clerk
        cloudinary
        mongo
        mongo_audit
        mongo_cleanups
        mongo_errors
        mongo_indexes
        mongo_search
        mongo_tracing
    """,
}
