/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The security_headers preset. SECURITY_HEADER(name, value, needs TLS)
 * Each is sent only where the origin did not send that field itself. No Content-Security-Policy:
 * nobody but the application can know it.
 */
SECURITY_HEADER("Cross-Origin-Opener-Policy", "same-origin", false)
SECURITY_HEADER("Cross-Origin-Resource-Policy", "same-origin", false)
SECURITY_HEADER("Origin-Agent-Cluster", "?1", false)
SECURITY_HEADER("Permissions-Policy", "camera=(), geolocation=(), microphone=()", false)
SECURITY_HEADER("Referrer-Policy", "strict-origin-when-cross-origin", false)
SECURITY_HEADER("Strict-Transport-Security", "max-age=31536000; includeSubDomains", true)
SECURITY_HEADER("X-Content-Type-Options", "nosniff", false)
SECURITY_HEADER("X-DNS-Prefetch-Control", "off", false)
SECURITY_HEADER("X-Download-Options", "noopen", false)
SECURITY_HEADER("X-Frame-Options", "SAMEORIGIN", false)
SECURITY_HEADER("X-Permitted-Cross-Domain-Policies", "none", false)
SECURITY_HEADER("X-XSS-Protection", "0", false)
