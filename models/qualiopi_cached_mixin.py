from odoo import api, models


class QualiopiCachedMixin(models.AbstractModel):
    """Rows of settings that the doors read from the registry's cache, so that an entry costs no query for what
    changes twice a year: whoever changes one empties the cache, in all workers."""

    _name = 'qualiopi.cached.mixin'
    _description = "Settings Read From a Cache"

    # Names of the fields that the cache depends on; all of them where it is empty.
    _cached_fields = frozenset()

    def _cached_rows(self):
        """Those of the rows that are read from the cache."""
        return self

    def _forget_cached(self):
        self.env.registry.clear_cache()
        postcommit = self.env.cr.postcommit
        if 'qualiopi.cached' not in postcommit.data:
            # Until the commit, another thread of this process may put the former state into the cache.
            postcommit.data['qualiopi.cached'] = True
            postcommit.add(self.env.registry.clear_cache)

    @api.model_create_multi
    def create(self, vals_list):
        rows = super().create(vals_list)
        if rows._cached_rows():
            rows._forget_cached()
        return rows

    def write(self, vals):
        if self._cached_fields and not self._cached_fields & vals.keys():
            return super().write(vals)
        is_cached = bool(self._cached_rows())
        result = super().write(vals)
        if is_cached or self._cached_rows():
            self._forget_cached()
        return result

    def _update_field_translations(self, *args, **kwargs):
        result = super()._update_field_translations(*args, **kwargs)
        self._forget_cached()
        return result

    def unlink(self):
        if self._cached_rows():
            self._forget_cached()
        return super().unlink()
