"""Restores what Keras 3 has removed, from `patch_keras` to `unpatch_keras`.

name_tables       the removed names: to add one, edit this file only
restored_names    makes the modules of Keras 3 look up these tables
restored_methods  methods of Keras's own classes: iterators, callbacks
patch             `fit_generator` and the rest on `Model`
when_imported     changes a module when it is imported, and undoes that
"""
