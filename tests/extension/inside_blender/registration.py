"""Install, enable, disable, enable and disable again: what is registered at each step."""

import json

import bpy
import installation

bpy.ops.wm.read_factory_settings(use_empty=True)
states = {"before": installation.registered()}
installation.install()
states["enabled"] = installation.registered()
states["poll_without_a_face"] = bpy.ops.physface.bake.poll()
installation.disable()
states["disabled"] = installation.registered()
installation.enable()
states["enabled_again"] = installation.registered()
installation.disable()
states["disabled_again"] = installation.registered()
print(json.dumps(states))
installation.leave()
