# Runs Poetry 1.1, which has no plugins, with the index of POETRY_PYPI_MIRROR_URL in place of the default one. Locks name no source then.
import os, sys
import poetry.factory, poetry.repositories.pypi_repository as pypi
from poetry.repositories.legacy_repository import LegacyRepository
class Mirror(LegacyRepository):
    def __init__(self, *args, **kwargs):
        super().__init__("mirror", os.environ["POETRY_PYPI_MIRROR_URL"], disable_cache=True)
    def find_packages(self, dependency):
        return [self.plain(p) for p in super().find_packages(dependency)]
    def package(self, *args, **kwargs):
        return self.plain(super().package(*args, **kwargs))
    def plain(self, p):
        p._source_type = p._source_url = p._source_reference = None
        return p
pypi.PyPiRepository = Mirror
poetry.factory.PyPiRepository = Mirror
from poetry.console import main
sys.exit(main())
