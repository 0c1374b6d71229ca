"""The services that were declared in this process."""

from cornice.service import SERVICES, Service, clear_services, get_services


__all__ = ["SERVICES", "Service", "clear_services", "get_services"]
